use std::fmt;

use super::parameters::{flag, number};

/// What a description says of an Opus stream: what its writer likes to receive, and what it sends (RFC 7587 §6.1).
///
/// Nothing of it parts two descriptions (RFC 7587 §7): it only tells the encoder of the other side what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusParameters {
    /// `maxplaybackrate`: the highest sampling rate that is of use, 8,000 to 48,000 Hz.
    pub max_playback_rate: u32,
    /// `sprop-maxcapturerate`: the highest sampling rate that is sent.
    pub max_capture_rate: u32,
    /// `minptime`: the shortest packet wanted, 3 to 120 ms.
    pub min_packet_time_ms: u32,
    /// `maxaveragebitrate`: 6,000 to 510,000 bit/s; `None` leaves it to the encoder.
    pub max_average_bitrate: Option<u32>,
    /// `stereo`: two channels are wanted.
    pub stereo: bool,
    /// `sprop-stereo`: two channels are sent, probably.
    pub sends_stereo: bool,
    /// `cbr`: a constant rate is wanted.
    pub constant_bitrate: bool,
    /// `useinbandfec`: in-band forward error correction is of use.
    pub inband_fec: bool,
    /// `usedtx`: pauses in the stream while nobody speaks are wanted.
    pub discontinuous: bool,
}

impl Default for OpusParameters {
    fn default() -> Self {
        Self {
            max_playback_rate: 48_000,
            max_capture_rate: 48_000,
            min_packet_time_ms: 3,
            max_average_bitrate: None,
            stereo: false,
            sends_stereo: false,
            constant_bitrate: false,
            inband_fec: false,
            discontinuous: false,
        }
    }
}

impl OpusParameters {
    /// Reads an `a=fmtp` list. A value that is no number counts as not given, one out of range as the nearest one in it.
    pub fn parse(fmtp: &str) -> Self {
        let rate = |name| {
            number(fmtp, name, 48_000)
                .unwrap_or(48_000)
                .clamp(8_000, 48_000)
        };
        let bitrate = number(fmtp, "maxaveragebitrate", 0).unwrap_or(0);
        Self {
            max_playback_rate: rate("maxplaybackrate"),
            max_capture_rate: rate("sprop-maxcapturerate"),
            min_packet_time_ms: number(fmtp, "minptime", 3).unwrap_or(3).clamp(3, 120),
            max_average_bitrate: (bitrate > 0).then(|| bitrate.clamp(6_000, 510_000)),
            stereo: flag(fmtp, "stereo"),
            sends_stereo: flag(fmtp, "sprop-stereo"),
            constant_bitrate: flag(fmtp, "cbr"),
            inband_fec: flag(fmtp, "useinbandfec"),
            discontinuous: flag(fmtp, "usedtx"),
        }
    }
}

/// The `a=fmtp` list: what differs from the defaults.
impl fmt::Display for OpusParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Self::default();
        let number = |name, value: u32, usual: u32| (value != usual).then_some((name, value));
        let flag = |name, value: bool| value.then_some((name, 1));
        let items = [
            number(
                "minptime",
                self.min_packet_time_ms,
                usual.min_packet_time_ms,
            ),
            flag("useinbandfec", self.inband_fec),
            flag("stereo", self.stereo),
            flag("sprop-stereo", self.sends_stereo),
            flag("cbr", self.constant_bitrate),
            flag("usedtx", self.discontinuous),
            self.max_average_bitrate
                .map(|rate| ("maxaveragebitrate", rate)),
            number(
                "maxplaybackrate",
                self.max_playback_rate,
                usual.max_playback_rate,
            ),
            number(
                "sprop-maxcapturerate",
                self.max_capture_rate,
                usual.max_capture_rate,
            ),
        ];
        for (place, (name, value)) in items.into_iter().flatten().enumerate() {
            let between = if place == 0 { "" } else { ";" };
            write!(f, "{between}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opus_parameters_come_back_as_they_were_written() {
        let text = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;cbr=1;usedtx=1;\
            maxaveragebitrate=64000;maxplaybackrate=16000;sprop-maxcapturerate=24000";
        let parameters = OpusParameters::parse(text);
        assert_eq!(parameters.to_string(), text);
        assert_eq!(parameters.max_average_bitrate, Some(64_000));
        assert_eq!(OpusParameters::parse("").to_string(), "");
    }

    #[test]
    fn opus_parameters_out_of_range_are_taken_into_it() {
        let wild = "maxaveragebitrate=9999999;maxplaybackrate=1;minptime=0;stereo=2;cbr=x";
        let parameters = OpusParameters::parse(wild);
        assert_eq!(parameters.max_average_bitrate, Some(510_000));
        assert_eq!(parameters.max_playback_rate, 8_000);
        assert_eq!(parameters.min_packet_time_ms, 3);
        assert!(!parameters.stereo && !parameters.constant_bitrate);
        assert_eq!(
            OpusParameters::parse("minptime=x"),
            OpusParameters::default()
        );
    }
}
