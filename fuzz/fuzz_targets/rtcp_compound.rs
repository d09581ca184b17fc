//! Every packet of a compound can be looked at in full, whatever it holds.
#![no_main]

use rtcp::{Compound, Packet};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let compound = Compound::new(data);
    let _ = compound.starts_with_report();
    let mut packets = 0;
    for packet in compound {
        packets += 1;
        assert!(packets <= data.len() / 4 + 1, "more packets than headers fit");
        if let Ok(packet) = packet {
            look_at(&packet);
        }
    }
});

fn look_at(packet: &Packet<'_>) {
    let _ = format!("{packet:?}");
}
