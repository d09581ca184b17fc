//! Used by the property tests and by the fuzz target.

use super::{MediaSection, SessionDescription};

/// Calls every getter of every section, and the checks.
pub(crate) fn look_at_everything(description: &SessionDescription) {
    let _ = description.validate();
    let _ = description.validate_answer_to(description);
    let _ = description.validate_update_of(description);
    let _ = description.transport_owners();
    let session = description.session();
    let _ = (session.origin().version_number(), session.name());
    let _ = (session.is_ice_lite(), session.ice_options().count());
    let _ = (session.groups().count(), session.bandwidths().count());
    for media in description.media_sections() {
        assert!(media.attributes().all(|found| media.has(found.name)));
        look_at_transport(&media);
        look_at_media(&media);
    }
}

fn look_at_transport(media: &MediaSection<'_>) {
    let _ = (media.kind(), media.port(), media.port_count());
    let _ = (media.protocol().as_str(), media.formats().count());
    let _ = (media.is_rejected(), media.is_bundle_only(), media.mid());
    let _ = (media.ice_credentials(), media.ice_options().count());
    let _ = (media.candidates().count(), media.end_of_candidates());
    let _ = (media.deciding_fingerprints(), media.setup());
    let _ = (media.tls_id(), media.sctp_init(), media.sctp_port());
    let _ = (media.max_message_size(), media.rtcp_port());
    let _ = (media.rtcp_mux(), media.rtcp_rsize());
}

fn look_at_media(media: &MediaSection<'_>) {
    let _ = (media.direction(), media.extensions(), media.cryptex());
    let _ = (media.msids(), media.sources());
    let _ = (media.source_groups().count(), media.simulcast());
    let _ = (media.ptime(), media.maxptime());
    let _ = media.bandwidths().map(|b| b.bits_per_second()).max();
    for rid in media.rids() {
        let _ = (rid.payload_types().count(), rid.parameters().count());
    }
    for codec in media.codecs() {
        assert!(codec.payload_type < 128 && codec.clock_rate > 0);
        assert_ne!(codec.channels, Some(0));
        assert!(codec.feedback.len() <= 32);
        let _ = (codec.parameters().count(), codec.associated_payload_type());
    }
}
