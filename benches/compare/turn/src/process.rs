//! The servers as processes, and what they use up.

use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::client::{PASSWORD, USER};

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: std::path::PathBuf,
}

/// A second has so many ticks.
const TICKS: f64 = 100.0;

impl Server {
    /// The last two stand at the beginning and at the end of our configuration, among the limits.
    pub(crate) fn start(name: &str, ours: &str, (head, tail): (&str, &str)) -> io::Result<Self> {
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let folder =
            std::env::temp_dir().join(format!("avocet-compare-turn-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut command = if name == "ours" {
            let file = folder.join("turn.toml");
            fs::write(
                &file,
                format!(
                    "realm = \"r\"\n{head}\n[[listen]]\ntransport = \"udp\"\naddress = \"{address}\"\n[[relay]]\naddress = \"127.0.0.1\"\n\
                 ports = \"20000-59999\"\n[users]\n{USER} = \"{PASSWORD}\"\n[peers]\nallow = [\"127.0.0.0/8\"]\n\
                 [limits]\nallocations_per_user = 10000\nallocations_per_source = 10000\nstranger_answers_per_second = 100000\n\
                 stranger_bytes_per_second = 100000000\n{tail}"
                ),
            )?;
            let mut command = Command::new(ours);
            command.arg(file);
            command
        } else {
            let mut command = Command::new("turnserver");
            command.args([
                "-n",
                "--no-cli",
                "--no-tls",
                "--no-dtls",
                "--lt-cred-mech",
                "--realm=r",
                "--allow-loopback-peers",
                "--no-multicast-peers",
            ]);
            command.args([
                "--listening-ip=127.0.0.1",
                "--relay-ip=127.0.0.1",
                "--min-port=20000",
                "--max-port=59999",
                "--log-file=/dev/null",
                "--no-stdout-log",
            ]);
            command
                .arg(format!("--listening-port={port}"))
                .arg(format!("--user={USER}:{PASSWORD}"));
            command
                .arg(format!("--pidfile={}/pid", folder.display()))
                .arg(format!("--userdb={}/db", folder.display()));
            command
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        thread::sleep(Duration::from_millis(1_500));
        Ok(Self {
            child,
            address,
            folder,
        })
    }

    /// Seconds of CPU, of all threads, in user and kernel.
    pub(crate) fn cpu(&self) -> f64 {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let tick = |at: usize| {
            fields
                .split_whitespace()
                .nth(at)
                .and_then(|it| it.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        (tick(11) + tick(12)) / TICKS
    }

    /// Resident bytes.
    pub(crate) fn memory(&self) -> f64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|it| it.split_whitespace().next()?.parse::<f64>().ok());
        kibibytes.unwrap_or(0.0) * 1_024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Seconds of CPU of this thread.
pub(crate) fn thread_cpu() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|it| it.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}
