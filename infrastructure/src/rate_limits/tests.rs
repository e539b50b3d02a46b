//! What counts as one address. The counting itself is tested on PostgreSQL, in `tests/it/sign_in_store.rs`.

use super::network;

#[test]
fn an_address_is_an_ipv4_address_or_a_network_of_ipv6() {
    let of = |address: &str| network(address.parse().unwrap());
    assert_eq!(of("203.0.113.7"), "203.0.113.7");
    assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7");
    assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
}
