#![no_main]

use rtp::{
    Av1Parameters, Codec, H264Parameters, H265Parameters, H266Parameters, MimeType, OpusParameters,
    Vp9Parameters,
};

// Two lists of format parameters, a newline between them.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (ours, theirs) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(parameters) = H264Parameters::parse(ours) {
        let id = parameters.profile_level_id;
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let opus = OpusParameters::parse(ours);
    assert_eq!(OpusParameters::parse(&opus.to_string()), opus);
    let _ = (
        H265Parameters::parse(ours),
        H266Parameters::parse(ours),
        Vp9Parameters::parse(ours),
        Av1Parameters::parse(ours),
    );
    for mime in [
        MimeType::H264,
        MimeType::H265,
        MimeType::H266,
        MimeType::VP9,
        MimeType::AV1,
        MimeType::OPUS,
    ] {
        let codec = |fmtp: &str| Codec {
            fmtp: fmtp.to_owned(),
            ..Codec::new(mime.clone(), 90_000)
        };
        let (ours, theirs) = (codec(ours), codec(theirs));
        assert_eq!(ours.matches(&theirs), theirs.matches(&ours));
        if let Some(answer) = ours.answer_parameters(&theirs) {
            assert!(codec(&answer).matches(&theirs));
        }
    }
});
