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
    let table = match cfg!(target_os = "linux") && bound.is_ipv6() {
        true => std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default(),
        false => String::new(),
    };
    Ok(choose(&without_stable(all, &table), bound))
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

/// Leaves out what IPv6 addresses should not be used for new connections: those that are deprecated or not proved yet,
/// and those that name the host for ever where the same interface and prefix has a temporary one (RFC 8981, RFC 8835
/// §3.3). `table` is what Linux says of each: address, index, prefix length, scope, flags, name.
fn without_stable(all: Vec<IpAddr>, table: &str) -> Vec<IpAddr> {
    const TEMPORARY: u8 = 0x01;
    const UNUSABLE: u8 = 0x08 | 0x20 | 0x40;
    let rows: Vec<(u128, &str, u8)> = table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [address, index, _, _, flags, _] = fields[..] else {
                return None;
            };
            let address = u128::from_str_radix(address, 16).ok()?;
            Some((address, index, u8::from_str_radix(flags, 16).ok()?))
        })
        .collect();
    let is_kept = |ip: &IpAddr| {
        let IpAddr::V6(ip) = ip else {
            return true;
        };
        let own = u128::from(*ip);
        let Some((_, index, flags)) = rows.iter().find(|(address, ..)| *address == own) else {
            return true;
        };
        let is_replaced = rows.iter().any(|(address, of, theirs)| {
            of == index
                && address >> 64 == own >> 64
                && theirs & TEMPORARY != 0
                && theirs & UNUSABLE == 0
        });
        flags & UNUSABLE == 0 && (flags & TEMPORARY != 0 || !is_replaced)
    };
    all.into_iter().filter(is_kept).collect()
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

    /// I-31
    #[test]
    fn temporary_addresses_stand_for_the_stable_ones_of_their_prefix() {
        let table = "\
20010db8000000010000000000000001 02 40 00 80     eth0
20010db8000000010000000000000002 02 40 00 01     eth0
20010db8000000010000000000000003 02 40 00 21     eth0
20010db8000000020000000000000001 02 40 00 80     eth0
20010db8000000030000000000000001 03 40 00 c0     eth1
fe800000000000000000000000000001 02 40 20 80     eth0
";
        let all = ips(&[
            "192.0.2.1",
            "2001:db8:0:1::1",
            "2001:db8:0:1::2",
            "2001:db8:0:1::3",
            "2001:db8:0:2::1",
            "2001:db8:0:3::1",
            "2001:db8:0:4::1",
        ]);
        let kept = without_stable(all.clone(), table);
        let wanted = [
            "192.0.2.1",
            // Temporary; the stable one and the deprecated one are not used.
            "2001:db8:0:1::2",
            // The only one of its prefix.
            "2001:db8:0:2::1",
            // Nothing is known of it.
            "2001:db8:0:4::1",
        ];
        assert_eq!(kept, ips(&wanted));
        assert_eq!(without_stable(all.clone(), "not such a table"), all);
    }
}
