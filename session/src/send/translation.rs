use rtp::{ExtensionMap, ExtensionUri, Extensions};
use std::sync::Arc;

/// Maps header extensions from the ids of one BUNDLE group to those of another, by their URIs.
///
/// The texts are compared once per pair of maps, not per packet. Left out are extensions that the other group did not
/// agree on, those that name a stream (MID and RIDs: the sender has its own), and those about one hop
/// (transport-wide sequence number and send time).
#[derive(Debug, Default)]
pub(crate) struct Translation {
    maps: Option<(Arc<ExtensionMap>, Arc<ExtensionMap>)>,
    pairs: Vec<(u8, u8)>,
}

const NOT_FORWARDED: [ExtensionUri; 5] = [
    ExtensionUri::MID,
    ExtensionUri::RID,
    ExtensionUri::REPAIRED_RID,
    ExtensionUri::TWCC,
    ExtensionUri::ABS_SEND_TIME,
];

impl Translation {
    /// The extensions as they read in the other map.
    pub(crate) fn translate(
        &mut self,
        extensions: &Extensions,
        from: &Arc<ExtensionMap>,
        to: &Arc<ExtensionMap>,
    ) -> Extensions {
        let known = self
            .maps
            .as_ref()
            .is_some_and(|maps| Arc::ptr_eq(&maps.0, from) && Arc::ptr_eq(&maps.1, to));
        if !known {
            self.learn(from, to);
        }
        let mut translated = Extensions::new();
        for (id, value) in extensions {
            let pair = self.pairs.iter().find(|(theirs, _)| *theirs == id);
            if let Some(&(_, ours)) = pair {
                // An id from the map and a value from a packet fit.
                let _ = translated.set(ours, value);
            }
        }
        translated
    }

    fn learn(&mut self, from: &Arc<ExtensionMap>, to: &Arc<ExtensionMap>) {
        self.pairs.clear();
        let forwarded = from.iter().filter(|(_, uri)| !NOT_FORWARDED.contains(uri));
        self.pairs
            .extend(forwarded.filter_map(|(id, uri)| Some((id, to.id(uri)?))));
        self.maps = Some((Arc::clone(from), Arc::clone(to)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(u8, ExtensionUri)]) -> Arc<ExtensionMap> {
        let mut map = ExtensionMap::new();
        for (id, uri) in pairs {
            map.insert(*id, uri.clone()).unwrap();
        }
        Arc::new(map)
    }

    #[test]
    fn ids_are_swapped_by_uri_and_hop_extensions_left_out() {
        let orientation = ExtensionUri::new("urn:3gpp:video-orientation");
        let from = map(&[
            (1, ExtensionUri::AUDIO_LEVEL),
            (2, orientation.clone()),
            (3, ExtensionUri::MID),
            (4, ExtensionUri::TWCC),
            (5, ExtensionUri::new("urn:only-there")),
        ]);
        let to = map(&[
            (2, ExtensionUri::AUDIO_LEVEL),
            (1, orientation),
            (3, ExtensionUri::MID),
            (4, ExtensionUri::TWCC),
        ]);
        let mut extensions = Extensions::new();
        for id in 1..=6 {
            extensions.set(id, &[id * 10]).unwrap();
        }
        let mut translation = Translation::default();
        for _ in 0..2 {
            let translated = translation.translate(&extensions, &from, &to);
            let found: Vec<_> = translated.iter().collect();
            assert_eq!(found, [(2, &[10][..]), (1, &[20])]);
        }
        let back = translation.translate(&extensions, &to, &from);
        assert_eq!(back.get(2), Some(&[10][..]), "another pair of maps");
    }
}
