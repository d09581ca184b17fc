//! Whether the time of refusing a packet tells at which octet its tag is wrong: Welch's t between two classes of forged
//! packets in random order. Above 4.5 it does (the bound of the `dudect` method).
#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::hint::black_box;
use std::time::Instant;

use srtp::{MasterKey, Profile, Receiver, Sender};

const SAMPLES: u32 = 1_000_000;

pub fn run() {
    println!("| profile | t |");
    println!("|---|---|");
    for profile in [
        Profile::Aes128CmSha1_80,
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
    ] {
        println!("| {profile:?} | {:.2} |", t(profile));
    }
}

fn t(profile: Profile) -> f64 {
    let (key, salt) = crate::key(profile);
    let key = MasterKey::new(profile, &key, &salt).expect("a good key");
    let mut sender = Sender::new(profile, key.clone()).expect("a good key");
    let mut receiver = Receiver::new(profile, key).expect("a good key");
    let mut genuine = crate::packet(100);
    sender.protect_rtp(&mut genuine, 0).expect("a fresh index");
    let mut classes = [(); 2].map(|()| genuine.clone());
    // Wrong at the first octet of the tag, and at the last.
    let end = genuine.len();
    classes[0][end - profile.rtp_tag_length()] ^= 0x55;
    classes[1][end - 1] ^= 0x55;
    let mut times = [(); 2].map(|()| Vec::new());
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut buf = genuine;
    for _ in 0..SAMPLES {
        // xorshift: any order that the processor cannot foresee will do.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let class = usize::from(random & 0x100 != 0);
        buf.copy_from_slice(&classes[class]);
        let start = Instant::now();
        let refused = black_box(receiver.unprotect_rtp(black_box(&mut buf))).is_err();
        let time = start.elapsed().as_nanos() as f64;
        assert!(refused);
        times[class].push(time);
    }
    // The longest tenth is interrupts and other people's work.
    let [first, second] = times.map(|mut times| {
        times.sort_unstable_by(f64::total_cmp);
        times.truncate(times.len() * 9 / 10);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (first.0 - second.0) / (first.1 + second.1).sqrt()
}
