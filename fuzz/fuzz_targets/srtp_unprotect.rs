//! Nothing forged is accepted, under any profile and policy, and a genuine packet that carries the input goes round.
#![no_main]

use srtp::{Config, Cryptex, MasterKey, Profile, Receiver, RtcpProtection, Sender};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else {
        return;
    };
    let profile = Profile::ALL[usize::from(choice) % Profile::ALL.len()];
    let mut config = Config::new(profile);
    config.cryptex = match choice >> 3 & 3 {
        0 => Cryptex::Disabled,
        1 => Cryptex::Required,
        _ => Cryptex::Enabled,
    };
    if choice & 0x20 != 0 {
        config.rtcp = RtcpProtection::AuthenticatedOnly;
    }
    if choice & 0x40 != 0 {
        config.encrypted_extensions = [1, 3, 200].into_iter().collect();
    }
    let (key, salt) = ([7; 32], [9; 14]);
    let (key, salt) = (&key[..profile.key_length()], &salt[..profile.salt_length()]);
    let mut key = MasterKey::new(profile, key, salt).expect("the lengths are right");
    if choice & 0x80 != 0 {
        key = key.with_identifier(b"key1").expect("it is short");
    }
    let mut receiver = Receiver::with_config(config.clone(), &key).expect("the profile is right");
    let rtp = receiver.unprotect_rtp(&mut data.to_vec()).is_ok();
    let rtcp = receiver.unprotect_rtcp(&mut data.to_vec()).is_ok();
    assert!(!rtp && !rtcp, "a forged packet was accepted");
    assert_eq!(receiver.streams(), (0, 0));

    let mut sender = Sender::with_config(config, &key).expect("the profile is right");
    let mut sealed = data.to_vec();
    if sender.protect_rtp(&mut sealed, 0).is_ok() {
        let mut forged = sealed.clone();
        let place = usize::from(choice) % forged.len();
        forged[place] ^= 0x10;
        assert!(receiver.unprotect_rtp(&mut forged).is_err());
        let header = rtp::HeaderView::parse(data).expect("it was protected");
        let opened = receiver.unprotect_rtp(&mut sealed).expect("it is genuine");
        let again = rtp::HeaderView::parse(opened).expect("it is a packet");
        assert!(header.extensions().eq(again.extensions()) && header.csrcs().eq(again.csrcs()));
        assert_eq!(data[header.header_len()..], opened[again.header_len()..]);
    }
    let mut sealed = data.to_vec();
    if sender.protect_rtcp(&mut sealed, 0).is_ok() {
        assert_eq!(receiver.unprotect_rtcp(&mut sealed).expect("it is genuine"), data);
    }
});
