#![no_main]

use rtp::{ExtensionFormPolicy, PacketBuffer, PacketView};

// A packet, then changes of its extensions: an octet each of id and length. The payload stays as it is.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((len, rest)) = data.split_first() else {
        return;
    };
    let (packet, mut changes) = rest.split_at(usize::from(*len).min(rest.len()));
    let Ok(mut buffer) = PacketBuffer::new(packet) else {
        return;
    };
    let payload = buffer.view().payload().to_vec();
    while let [id, len, tail @ ..] = changes {
        let (value, tail) = tail.split_at(usize::from(len >> 2).min(tail.len()));
        changes = tail;
        let policy = match len & 3 {
            0 => ExtensionFormPolicy::OneByte,
            1 => ExtensionFormPolicy::TwoByte,
            _ => ExtensionFormPolicy::PerPacket,
        };
        if len & 3 == 3 {
            buffer.remove_extension(policy, *id);
            assert_eq!(buffer.view().extension(*id), None);
        } else if buffer.set_extension(policy, *id, value).is_ok() {
            assert_eq!(buffer.view().extension(*id), Some(value));
        }
        let view =
            PacketView::parse(buffer.as_bytes()).expect("every change keeps the packet valid");
        assert_eq!(view.payload(), payload);
    }
});
