use crate::crypto::CryptoError;

/// How keys are made once more.
pub(crate) type Remake<K> = Box<dyn Fn() -> Result<K, CryptoError> + Send + Sync>;

/// Keys as they work, with their tables; or, while nobody needs them, nothing but the way to make them.
pub(crate) enum Lazy<K> {
    Ready(K),
    Resting(Remake<K>),
}

impl<K> Lazy<K> {
    /// The keys, made again if they rest.
    pub(crate) fn ready(&mut self) -> Result<&K, CryptoError> {
        if let Self::Resting(remake) = self {
            *self = Self::Ready(remake()?);
        }
        match self {
            Self::Ready(keys) => Ok(keys),
            Self::Resting(_) => Err(CryptoError),
        }
    }

    /// Lets go of the keys.
    pub(crate) fn rest(&mut self, remake: Remake<K>) {
        *self = Self::Resting(remake);
    }
}
