use super::push_unit;

/// The most parameter sets kept; with more the oldest goes.
const MAX_SETS: usize = 16;

/// The longest parameter set kept.
const MAX_SET_BYTES: usize = 1024;

/// The newest parameter sets of a stream, by kind and id.
#[derive(Clone, Debug, Default)]
pub(in crate::payload) struct ParameterSets {
    sets: Vec<(u8, u32, Vec<u8>)>,
}

impl ParameterSets {
    /// Keeps a parameter set of this NAL unit type and id in place of the one before. A set that is too long is not
    /// kept, and neither is the one that it replaces.
    pub(in crate::payload) fn insert(&mut self, kind: u8, id: u32, unit: &[u8]) {
        self.sets.retain(|(k, i, _)| (*k, *i) != (kind, id));
        if unit.len() > MAX_SET_BYTES {
            return;
        }
        if self.sets.len() == MAX_SETS {
            self.sets.remove(0);
        }
        self.sets.push((kind, id, unit.to_vec()));
    }

    pub(in crate::payload) fn contains(&self, kind: u8) -> bool {
        self.sets.iter().any(|(k, ..)| *k == kind)
    }

    /// The newest set of this kind.
    pub(in crate::payload) fn newest(&self, kind: u8) -> Option<&[u8]> {
        let mut sets = self.sets.iter().rev();
        sets.find(|(k, ..)| *k == kind)
            .map(|(.., unit)| unit.as_slice())
    }

    /// Appends all sets of this kind as Annex B.
    pub(in crate::payload) fn write(&self, kind: u8, data: &mut Vec<u8>) {
        for (.., unit) in self.sets.iter().filter(|(k, ..)| *k == kind) {
            push_unit(data, unit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_replaced_by_id_and_capped() {
        let mut sets = ParameterSets::default();
        for id in 0..100 {
            sets.insert(7, id, &[7, 1]);
        }
        sets.insert(7, 99, &[7, 2]);
        assert_eq!(sets.sets.len(), MAX_SETS);
        assert_eq!(sets.newest(7), Some(&[7, 2][..]));
        sets.insert(7, 99, &[7; MAX_SET_BYTES + 1]);
        assert_eq!(sets.newest(7), Some(&[7, 1][..]));
        assert!(!sets.contains(8));
    }
}
