//! Two connections in the middle of a call survive any datagrams at any times, and say what they have to say.
#![no_main]

use std::time::Duration;

use net::{Datagram, Path};
use peer::{DataChannelInit, SessionDescription};

#[path = "support/peer.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let (mut a, mut now) = support::connection(1);
    let (mut b, _) = support::connection(2);
    let path = Path::udp(([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into());
    a.add_local_address(now, path.local).unwrap();
    b.add_local_address(now, path.remote).unwrap();
    a.create_data_channel(now, "x", DataChannelInit::default())
        .unwrap();
    let offer = a.create_offer(now).unwrap();
    a.set_local_description(now, offer.clone()).unwrap();
    b.set_remote_description(now, offer).unwrap();
    let answer = b.create_answer(now).unwrap();
    b.set_local_description(now, answer.clone()).unwrap();
    a.set_remote_description(now, SessionDescription::answer(answer.sdp))
        .unwrap();

    // Each step: how much time passes, how long a datagram of the script is, and what becomes of a genuine one.
    let mut rest = script;
    while let [step, length, tail @ ..] = rest {
        now += Duration::from_millis(u64::from(step & 0x7f));
        let (noise, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        a.handle_datagram(now, Datagram::new(path, &mut noise.to_vec()));
        let mut buf = vec![0xaa];
        for _ in 0..4 {
            if a.poll_transmit(now, &mut buf).is_some() {
                let mut bytes = buf.split_off(1);
                if step & 0x80 != 0 && !noise.is_empty() {
                    let at = usize::from(noise[0]) % bytes.len();
                    bytes[at] ^= noise[noise.len() - 1];
                }
                b.handle_datagram(now, Datagram::new(path.reversed(), &mut bytes));
            }
            if b.poll_transmit(now, &mut buf).is_some() {
                let mut bytes = buf.split_off(1);
                a.handle_datagram(now, Datagram::new(path, &mut bytes));
            }
        }
        assert_eq!(buf, [0xaa]);
        for pc in [&mut a, &mut b] {
            if pc.poll_timeout().is_some_and(|deadline| deadline <= now) {
                pc.handle_timeout(now);
                assert!(pc.poll_timeout().is_none_or(|deadline| deadline > now));
            }
            while pc.poll_event().is_some() {}
        }
    }
});
