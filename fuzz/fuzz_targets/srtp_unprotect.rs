#![no_main]

use srtp::{KeyingMaterial, Profile, Receiver};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for profile in [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm] {
        let exported = vec![7; profile.keying_material_length()];
        let (key, _) = KeyingMaterial::split(profile, &exported).expect("the length is right");
        let mut receiver = Receiver::new(profile, key).expect("the profile is right");
        let rtp = receiver.unprotect_rtp(&mut data.to_vec()).is_ok();
        let rtcp = receiver.unprotect_rtcp(&mut data.to_vec()).is_ok();
        assert!(!rtp && !rtcp, "a forged packet was accepted");
        assert_eq!(receiver.streams(), (0, 0));
    }
});
