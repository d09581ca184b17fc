//! No bytes panic a receiver or get past its tag, and what a sender protects comes back.
#![no_main]

use srtp::{KeyingMaterial, Profile, Receiver, Sender};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for profile in [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm] {
        let exported = vec![0x5a; profile.keying_material_length()];
        let (key, _) = KeyingMaterial::split(profile, &exported).unwrap();
        let mut receiver = Receiver::new(profile, key.clone()).unwrap();
        assert!(receiver.unprotect_rtp(&mut data.to_vec()).is_err());
        assert!(receiver.unprotect_rtcp(&mut data.to_vec()).is_err());

        let mut sender = Sender::new(profile, key).unwrap();
        let mut packet = data.to_vec();
        if sender.protect_rtp(&mut packet, 0).is_ok() {
            assert_eq!(receiver.unprotect_rtp(&mut packet).unwrap(), data);
        }
        let mut packet = data.to_vec();
        if sender.protect_rtcp(&mut packet, 0).is_ok() {
            assert_eq!(receiver.unprotect_rtcp(&mut packet).unwrap(), data);
        }
    }
});
