/// Things with ids that are given out in rising order and never twice.
///
/// A sorted vector: a session has a handful of senders and receivers, so a look-up is a few comparisons on one
/// cache line, iteration is in the order of creation (law 8), and nothing is allocated until something is added.
#[derive(Debug)]
pub(crate) struct Table<T> {
    next: u32,
    rows: Vec<(u32, T)>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            next: 0,
            rows: Vec::new(),
        }
    }
}

impl<T> Table<T> {
    /// Adds a value and names it.
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        if self.rows.len() == self.rows.capacity() && self.rows.len() < 4 {
            // Rows are hundreds of bytes and most tables hold one or two.
            self.rows.reserve_exact(1);
        }
        self.rows.push((id, value));
        id
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        let index = self.rows.binary_search_by_key(&id, |row| row.0).ok()?;
        self.rows.get(index).map(|row| &row.1)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        let index = self.rows.binary_search_by_key(&id, |row| row.0).ok()?;
        self.rows.get_mut(index).map(|row| &mut row.1)
    }

    pub(crate) fn remove(&mut self, id: u32) -> Option<T> {
        let index = self.rows.binary_search_by_key(&id, |row| row.0).ok()?;
        Some(self.rows.remove(index).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.rows.iter().map(|row| (row.0, &row.1))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.rows.iter_mut().map(|row| (row.0, &mut row.1))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_id_is_not_given_out_again() {
        let mut table = Table::default();
        let first = table.insert('a');
        let second = table.insert('b');
        assert_eq!(table.remove(first), Some('a'));
        let third = table.insert('c');
        assert_eq!(table.get(first), None);
        assert_eq!(table.get(second), Some(&'b'));
        assert_eq!(table.get(third), Some(&'c'));
        assert_ne!(third, first);
        assert_eq!(table.iter().map(|(_, v)| *v).collect::<String>(), "bc");
    }
}
