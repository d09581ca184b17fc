/// What an association counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Packets built.
    pub packets_sent: u64,
    /// Packets handed in, whatever became of them.
    pub packets_received: u64,
    /// Messages taken from the application.
    pub messages_sent: u64,
    /// Messages completed and made readable.
    pub messages_received: u64,
    /// Payload bytes taken from the application.
    pub bytes_sent: u64,
    /// Payload bytes of completed messages.
    pub bytes_received: u64,
}
