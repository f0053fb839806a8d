//! Hosts that are reached without the proxy: the list in `no_proxy`, matched as curl does.

use std::net::IpAddr;

/// Entries are separated by commas or white space. `*` means every host. A name means itself and all names below it,
/// a leading dot or `*.` changing nothing. An address means itself, and with `/bits` its network. An entry may be
/// followed by `:port` (IPv6 in brackets then), which curl does not know: it then holds for that port alone.
pub(super) struct NoProxy {
    entries: Vec<Entry>,
}

impl NoProxy {
    /// What cannot be understood matches nothing, as in curl.
    pub(super) fn parse(list: &str) -> Self {
        let words = list.split(|c: char| c == ',' || c.is_whitespace());
        Self { entries: words.filter(|word| !word.is_empty()).filter_map(Entry::parse).collect() }
    }

    pub(super) fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok();
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|only| only == port)
                && match (&entry.hosts, address) {
                    (Hosts::All, _) => true,
                    (Hosts::Network { address, bits }, Some(host)) => same_network(*address, host, *bits),
                    (Hosts::Below(name), None) => is_below(&host, name),
                    _ => false,
                }
        })
    }
}

struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

enum Hosts {
    All,
    Network {
        address: IpAddr,
        bits: u8,
    },
    /// In lower case, without dots at its ends.
    Below(String),
}

impl Entry {
    fn parse(word: &str) -> Option<Self> {
        if word == "*" {
            return Some(Self { hosts: Hosts::All, port: None });
        }
        let (host, port) = split_port(word)?;
        let hosts = match Hosts::network(host) {
            Some(network) => network,
            None if host.contains(['/', ':', '[']) => return None,
            None => {
                let name = host.strip_prefix('*').unwrap_or(host).trim_matches('.').to_ascii_lowercase();
                if name.is_empty() {
                    return None;
                }
                Hosts::Below(name)
            }
        };
        Some(Self { hosts, port })
    }
}

impl Hosts {
    fn network(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Self::Network { address, bits })
    }
}

/// Takes `:port` and brackets off. A bare IPv6 address has colons, but no port.
fn split_port(word: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = word.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    match word.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((word, None)),
    }
}

fn same_network(network: IpAddr, host: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (network, host) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits,
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits,
        _ => false,
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(list: &str, host: &str) -> bool {
        NoProxy::parse(list).matches(host, 443)
    }

    #[test]
    fn a_star_means_every_host() {
        assert!(matches("*", "example.com") && matches("a, *", "10.0.0.1"));
    }

    #[test]
    fn a_name_means_itself_and_what_is_below_it() {
        for list in ["example.com", ".example.com", "*.example.com", "EXAMPLE.com."] {
            assert!(matches(list, "example.com"), "{list}");
            assert!(matches(list, "a.b.Example.com."), "{list}");
            assert!(!matches(list, "notexample.com"), "{list}");
            assert!(!matches(list, "example.com.evil"), "{list}");
        }
    }

    #[test]
    fn entries_are_separated_by_commas_and_spaces() {
        for list in ["a.test, b.test", " a.test b.test ", "a.test,b.test,,"] {
            assert!(matches(list, "a.test") && matches(list, "b.test"), "{list}");
        }
        assert!(!matches("", "a.test") && !matches(" , ", "a.test"));
    }

    #[test]
    fn an_address_means_itself_or_its_network() {
        assert!(matches("10.1.2.3", "10.1.2.3") && !matches("10.1.2.3", "10.1.2.4"));
        assert!(matches("10.0.0.0/8", "10.200.1.1") && !matches("10.0.0.0/8", "11.0.0.1"));
        assert!(matches("192.168.0.128/25", "192.168.0.129") && !matches("192.168.0.128/25", "192.168.0.1"));
        assert!(matches("0.0.0.0/0", "1.2.3.4") && !matches("0.0.0.0/0", "::1"));
        assert!(matches("::1", "::1") && matches("[::1]", "::1"));
        assert!(matches("fd00::/8", "fd12::1") && !matches("fd00::/8", "fe80::1"));
    }

    #[test]
    fn an_address_never_matches_as_a_name() {
        assert!(!matches("0.0.1", "127.0.0.1"));
        assert!(!matches("127.0.0.1", "localhost"));
    }

    #[test]
    fn an_entry_with_a_port_holds_for_that_port_alone() {
        let list = NoProxy::parse("a.test:8443,[::1]:80,10.0.0.1:1");
        assert!(list.matches("a.test", 8443) && !list.matches("a.test", 443));
        assert!(list.matches("::1", 80) && !list.matches("::1", 443));
        assert!(list.matches("10.0.0.1", 1) && !list.matches("10.0.0.1", 2));
    }

    #[test]
    fn what_cannot_be_understood_matches_nothing() {
        for list in ["10.0.0.0/33", "10.0.0.0/x", "a.test:x", "[::1", "/", ":", ".", "*."] {
            assert!(!matches(list, "10.0.0.1") && !matches(list, "a.test"), "{list}");
        }
    }
}
