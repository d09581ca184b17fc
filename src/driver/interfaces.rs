use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::sync::mpsc;

use super::report::Report;

/// The addresses of this host that candidates are made of, for a socket bound to `bound`.
///
/// A socket bound to one address offers that address. A wildcard offers every interface address of its family
/// except loopback and link-local ones, and loopback only when there is nothing else.
pub(crate) fn candidates(bound: SocketAddr) -> io::Result<Vec<SocketAddr>> {
    if !bound.ip().is_unspecified() {
        return Ok(vec![bound]);
    }
    let all: Vec<IpAddr> = if_addrs::get_if_addrs()?
        .iter()
        .map(if_addrs::Interface::ip)
        .collect();
    Ok(choose(&all, bound))
}

/// Looks at the addresses of this host from time to time, and reports them when they have changed.
pub(crate) async fn watch(bound: Vec<SocketAddr>, period: Duration, reports: mpsc::Sender<Report>) {
    let mut known = None;
    loop {
        let mut found = Vec::new();
        for address in &bound {
            match candidates(*address) {
                Ok(addresses) => found.extend(addresses),
                Err(error) => {
                    log::debug!("interfaces: {error}");
                    return;
                }
            }
        }
        if known.as_ref() != Some(&found) {
            if reports
                .send(Report::Interfaces(found.clone()))
                .await
                .is_err()
            {
                return;
            }
            known = Some(found);
        }
        tokio::time::sleep(period).await;
    }
}

fn choose(all: &[IpAddr], bound: SocketAddr) -> Vec<SocketAddr> {
    let family = |ip: &&IpAddr| ip.is_ipv4() == bound.is_ipv4();
    let mut chosen: Vec<_> = all
        .iter()
        .filter(family)
        .filter(|ip| is_offered(**ip))
        .collect();
    // I-31: where the host is reachable from everywhere, an address of the site says nothing more.
    if chosen.iter().any(|ip| is_global_v6(**ip)) {
        chosen.retain(|ip| is_global_v6(**ip));
    }
    if chosen.is_empty() && bound.is_ipv4() {
        chosen = all
            .iter()
            .filter(family)
            .filter(|ip| ip.is_loopback())
            .collect();
    }
    let mut addresses: Vec<_> = chosen
        .into_iter()
        .map(|ip| SocketAddr::new(*ip, bound.port()))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn is_global_v6(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if !ip.is_unique_local())
}

fn is_offered(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn a_wildcard_offers_the_interfaces_of_its_family_without_loopback() {
        let all = ips(&[
            "127.0.0.1",
            "10.0.0.5",
            "169.254.3.4",
            "::1",
            "fe80::1",
            "fd00::5",
        ]);
        assert_eq!(
            choose(&all, "0.0.0.0:9".parse().unwrap()),
            ["10.0.0.5:9".parse().unwrap()]
        );
        assert_eq!(
            choose(&all, "[::]:9".parse().unwrap()),
            ["[fd00::5]:9".parse().unwrap()]
        );
    }

    #[test]
    fn addresses_of_the_site_are_left_out_where_there_are_global_ones() {
        let all = ips(&["fd00::5", "2001:db8::5", "10.0.0.5"]);
        assert_eq!(
            choose(&all, "[::]:9".parse().unwrap()),
            ["[2001:db8::5]:9".parse().unwrap()]
        );
        assert_eq!(
            choose(&all, "0.0.0.0:9".parse().unwrap()),
            ["10.0.0.5:9".parse().unwrap()]
        );
    }

    #[test]
    fn loopback_is_offered_when_there_is_nothing_else() {
        let all = ips(&["127.0.0.1", "::1"]);
        assert_eq!(
            choose(&all, "0.0.0.0:9".parse().unwrap()),
            ["127.0.0.1:9".parse().unwrap()]
        );
        assert_eq!(choose(&all, "[::]:9".parse().unwrap()), []);
    }
}
