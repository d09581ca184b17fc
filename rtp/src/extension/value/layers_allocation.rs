use crate::{Resolution, leb128};

/// Which layers a sender sends and at what rates, over all the streams of a simulcast (video-layers-allocation00).
///
/// ```text
///  +-+-+-+-+-+-+-+-+
///  |RID| NS| sl_bm |   this stream, streams less one, spatial layers of each stream if all have the same
///  +-+-+-+-+-+-+-+-+
///  |sl0_bm |sl1_bm |   if sl_bm is 0: spatial layers stream by stream
///  +-+-+-+-+-+-+-+-+
///  |#tl|#tl|#tl|#tl|   temporal layers less one, of each spatial layer
///  +-+-+-+-+-+-+-+-+
///  | target rates  |   leb128 of kbit/s, of each temporal layer, those below it included
///  +-+-+-+-+-+-+-+-+
///  | width - 1     |   optional, of each spatial layer: 16 bits
///  | height - 1    |   16 bits
///  | max framerate |   8 bits
///  +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VideoLayersAllocation {
    /// Which stream of the simulcast the packet belongs to, 0 to 3.
    pub stream_index: u8,
    /// How many streams there are, 1 to 4, those without an active layer in front of others included. 0 is taken as 1.
    pub stream_count: u8,
    /// The active spatial layers in the order of streams and layers, 16 at most; empty if nothing is sent.
    pub layers: Vec<SpatialLayerAllocation>,
}

/// A spatial layer that is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpatialLayerAllocation {
    /// The stream of the simulcast, 0 to 3.
    pub stream_index: u8,
    /// The spatial layer, 0 to 3.
    pub spatial: u8,
    /// How many temporal layers count in `target_bitrates_kbps`: 1 to 4.
    pub temporal_layers: u8,
    /// The rate of each temporal layer in kbit/s, those below it included.
    pub target_bitrates_kbps: [u32; 4],
    /// The size of the picture and the most frames in a second. Either all layers have it or none.
    pub resolution: Option<(Resolution, u8)>,
}

/// The octets of a size with its frame rate.
const RESOLUTION_LEN: usize = 5;

impl SpatialLayerAllocation {
    /// The rates of the temporal layers that there are.
    pub fn target_bitrates_kbps(&self) -> &[u32] {
        let count = usize::from(self.temporal_layers.clamp(1, 4));
        self.target_bitrates_kbps.get(..count).unwrap_or_default()
    }
}

impl VideoLayersAllocation {
    /// Reads the value of the extension; `None` if it is malformed.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (&first, mut rest) = value.split_first()?;
        let mut allocation = Self {
            stream_index: first >> 6,
            stream_count: (first >> 4 & 0x03) + 1,
            layers: Vec::new(),
        };
        if value == [0] {
            return Some(allocation); // nothing is sent
        }
        let mut masks = [first & 0x0f; 4];
        if masks[0] == 0 {
            for pair in masks
                .chunks_mut(2)
                .take(usize::from(allocation.stream_count).div_ceil(2))
            {
                let octet = rest.split_off_first()?;
                for (mask, bits) in pair.iter_mut().zip([octet >> 4, octet & 0x0f]) {
                    *mask = bits;
                }
            }
        }
        for (stream, mask) in (0..allocation.stream_count).zip(masks) {
            let active = (0..4).filter(|spatial| mask >> spatial & 1 == 1);
            allocation
                .layers
                .extend(active.map(|spatial| SpatialLayerAllocation {
                    stream_index: stream,
                    spatial,
                    ..SpatialLayerAllocation::default()
                }));
        }
        if allocation.layers.is_empty() {
            return None;
        }
        for layers in allocation.layers.chunks_mut(4) {
            let octet = rest.split_off_first()?;
            for (layer, shift) in layers.iter_mut().zip([6, 4, 2, 0]) {
                layer.temporal_layers = (octet >> shift & 0x03) + 1;
            }
        }
        for layer in &mut allocation.layers {
            let count = usize::from(layer.temporal_layers);
            for rate in layer.target_bitrates_kbps.iter_mut().take(count) {
                *rate = u32::try_from(leb128::decode(&mut rest).ok()?).ok()?;
            }
        }
        if !rest.is_empty() {
            if rest.len() != allocation.layers.len() * RESOLUTION_LEN {
                return None;
            }
            let (sizes, _) = rest.as_chunks();
            for (layer, &[w0, w1, h0, h1, frame_rate]) in allocation.layers.iter_mut().zip(sizes) {
                let side = |octets| u32::from(u16::from_be_bytes(octets)) + 1;
                let resolution = Resolution {
                    width: side([w0, w1]),
                    height: side([h0, h1]),
                };
                layer.resolution = Some((resolution, frame_rate));
            }
        }
        Some(allocation)
    }

    /// Appends the value of the extension.
    ///
    /// Layers are sorted; those of a stream or a spatial layer above 3, or that were named before, are left out. Sizes
    /// are written if every layer has one.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let mut layers: Vec<_> = self
            .layers
            .iter()
            .filter(|layer| layer.stream_index < 4 && layer.spatial < 4)
            .collect();
        layers.sort_by_key(|layer| (layer.stream_index, layer.spatial));
        layers.dedup_by_key(|layer| (layer.stream_index, layer.spatial));
        let Some(last) = layers.last() else {
            buf.push(0);
            return;
        };
        let streams = self.stream_count.clamp(last.stream_index + 1, 4);
        let mut masks = [0_u8; 4];
        for layer in &layers {
            if let Some(mask) = masks.get_mut(usize::from(layer.stream_index)) {
                *mask |= 1 << layer.spatial;
            }
        }
        let used = masks.get(..usize::from(streams)).unwrap_or(&masks);
        let same = used.iter().all(|mask| *mask == masks[0]);
        let shared = if same { masks[0] } else { 0 };
        buf.push(self.stream_index << 6 | (streams - 1) << 4 | shared);
        if !same {
            for pair in used.chunks(2) {
                let mask = |place| pair.get(place).copied().unwrap_or_default();
                buf.push(mask(0) << 4 | mask(1));
            }
        }
        for four in layers.chunks(4) {
            let counts = four
                .iter()
                .zip([6, 4, 2, 0])
                .map(|(layer, shift)| (layer.temporal_layers.clamp(1, 4) - 1) << shift);
            buf.push(counts.fold(0, |octet, count| octet | count));
        }
        for rate in layers.iter().flat_map(|layer| layer.target_bitrates_kbps()) {
            leb128::encode(usize::try_from(*rate).unwrap_or(usize::MAX), buf);
        }
        let sizes: Vec<_> = layers.iter().filter_map(|layer| layer.resolution).collect();
        if sizes.len() == layers.len() {
            for (resolution, frame_rate) in sizes {
                for side in [resolution.width, resolution.height] {
                    let side = u16::try_from(side.saturating_sub(1)).unwrap_or(u16::MAX);
                    buf.extend_from_slice(&side.to_be_bytes());
                }
                buf.push(frame_rate);
            }
        }
    }
}
