//! Datagrams over a TCP connection with the runner, and the clock that the runner moves.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What the runner says.
pub enum Word {
    Datagram(Vec<u8>),
    /// That much time passes.
    Timeout(Duration),
    /// The largest datagram from now on.
    Mtu(usize),
    /// When the next timeout has to be, `None` for never.
    ExpectTimeout(Option<Duration>),
    /// The first timeout of a flight from now on.
    SetTimeout(Duration),
    /// It hung up.
    End,
}

/// The connection with the runner.
pub struct Link(TcpStream);

impl Link {
    pub fn connect(host: &str, port: u16, shim: u64) -> io::Result<Self> {
        let mut stream = TcpStream::connect((host, port))?;
        stream.set_nodelay(true)?;
        stream.write_all(&shim.to_le_bytes())?;
        Ok(Self(stream))
    }

    pub fn hear(&mut self) -> io::Result<Word> {
        let mut opcode = [0];
        match self.0.read_exact(&mut opcode) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                ) =>
            {
                return Ok(Word::End);
            }
            Err(error) => return Err(error),
        }
        Ok(match opcode[0] {
            b'P' => {
                let mut datagram = vec![0; self.word()? as usize];
                self.0.read_exact(&mut datagram)?;
                Word::Datagram(datagram)
            }
            b'T' => {
                let passed = self.nanoseconds()?;
                self.0.write_all(b"t")?;
                Word::Timeout(Duration::from_nanos(passed))
            }
            b'M' => Word::Mtu(self.word()? as usize),
            b'E' => Word::ExpectTimeout(match self.nanoseconds()? {
                u64::MAX => None,
                nanoseconds => Some(Duration::from_nanos(nanoseconds)),
            }),
            b'U' => Word::SetTimeout(Duration::from_millis(u64::from(self.word()?))),
            other => return Err(io::Error::other(format!("unknown opcode {other}"))),
        })
    }

    pub fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let mut framed = vec![b'P'];
        framed.extend_from_slice(
            &u32::try_from(datagram.len())
                .map_err(io::Error::other)?
                .to_be_bytes(),
        );
        framed.extend_from_slice(datagram);
        self.0.write_all(&framed)
    }

    /// Says that we are done and hears the runner out, for a while.
    pub fn drain(&mut self) {
        drop(self.0.shutdown(std::net::Shutdown::Write));
        drop(self.0.set_read_timeout(Some(Duration::from_secs(2))));
        let mut rest = [0; 4096];
        while self.0.read(&mut rest).is_ok_and(|length| length > 0) {}
    }

    fn word(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.0.read_exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn nanoseconds(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }
}
