use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use avocet::turn_server::{ListenerTransport, Settings, StartError, TurnServer};

use super::caller::{Caller, peer};
use super::{address_of, logs, settings};

/// A certificate and its key in a folder that is removed at the end.
pub(super) struct Files {
    folder: PathBuf,
    certificate: Vec<u8>,
}

impl Files {
    pub(super) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("avocet-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut files = Self {
            folder,
            certificate: Vec::new(),
        };
        files.renew();
        files
    }

    /// Another certificate for the same name.
    fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(["turn.test".to_owned()]).unwrap();
        fs::write(self.folder.join("chain.pem"), made.cert.pem()).unwrap();
        fs::write(
            self.folder.join("key.pem"),
            made.signing_key.serialize_pem(),
        )
        .unwrap();
        self.certificate = made.cert.der().to_vec();
    }

    fn spoil(&self) {
        fs::write(
            self.folder.join("chain.pem"),
            "-----BEGIN CERTIFICATE-----\nhalf of it",
        )
        .unwrap();
    }

    pub(super) fn certificate(&self) -> Vec<u8> {
        self.certificate.clone()
    }

    pub(super) fn section(&self) -> String {
        let file = |name: &str| self.folder.join(name).display().to_string();
        format!(
            "[tls]\ncertificate = {:?}\nkey = {:?}\n",
            file("chain.pem"),
            file("key.pem")
        )
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn started(files: &Files) -> (TurnServer, Settings) {
    let listeners = [("tls", "127.0.0.1:0"), ("dtls", "127.0.0.1:0")];
    let settings = settings("shards = 2", &listeners, &files.section());
    (TurnServer::start(&settings).await.unwrap(), settings)
}

#[tokio::test]
async fn a_new_certificate_is_for_new_clients_and_old_ones_go_on() {
    let mut files = Files::new("renewed");
    let (server, settings) = started(&files).await;
    let (tls, dtls) = (
        address_of(&server, ListenerTransport::Tls),
        address_of(&server, ListenerTransport::Dtls),
    );
    let old = files.certificate();
    let mut clients = [
        Caller::tls(tls, &old).await.unwrap(),
        Caller::dtls(dtls).await,
    ];
    assert_eq!(clients[1].certificate(), old);
    let friend = peer(tls).await;
    for client in &mut clients {
        client.allocate().await;
        client.bind(0x4000, friend.local_addr().unwrap()).await;
    }
    files.renew();
    let new = files.certificate();
    // Nothing happens before the server is told.
    assert!(Caller::tls(tls, &new).await.is_err());
    server.reload(&settings).unwrap();
    // The shards hear of it one after the other.
    server.stats().await;
    for _ in 0..4 {
        let mut later = [
            Caller::tls(tls, &new).await.unwrap(),
            Caller::dtls(dtls).await,
        ];
        assert_eq!(later[1].certificate(), new);
        for client in &mut later {
            client.allocate().await;
        }
        assert!(Caller::tls(tls, &old).await.is_err());
    }
    for client in &mut clients {
        client.talk(&friend, 0x4000, b"as before").await;
        assert_eq!(client.refresh(Duration::from_secs(600)).await, 0);
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_changes_nothing_and_is_said() {
    logs::listen();
    let files = Files::new("spoilt");
    let (server, settings) = started(&files).await;
    files.spoil();
    let error = server.reload(&settings).unwrap_err();
    assert!(
        matches!(&error, StartError::Certificate { path, .. } if path.ends_with("chain.pem")),
        "{error}"
    );
    let said = logs::lines()
        .into_iter()
        .any(|line| line.contains("nothing was changed: cannot use"));
    assert!(said, "{:?}", logs::lines());
    server.stats().await;
    let tls = address_of(&server, ListenerTransport::Tls);
    let mut client = Caller::tls(tls, &files.certificate()).await.unwrap();
    client.allocate().await;
    let dtls = Caller::dtls(address_of(&server, ListenerTransport::Dtls)).await;
    assert_eq!(dtls.certificate(), files.certificate());
}
