/// One small value for each of 65,536 stream ids, of which few are ever used.
///
/// Two steps of plain indexing: no hashing that a peer could attack, no search, and memory only for the pages of 8
/// ids that were touched.
#[derive(Debug)]
pub(crate) struct Sparse<T> {
    pages: Vec<Option<Box<[T; PAGE]>>>,
}

impl<T: Copy + Default> Sparse<T> {
    pub(crate) const fn new() -> Self {
        Self { pages: Vec::new() }
    }

    /// The value of an id; the default if it was never written.
    #[inline]
    pub(crate) fn get(&self, id: u16) -> T {
        let (page, place) = split(id);
        match self.pages.get(page) {
            Some(Some(values)) => values.get(place).copied().unwrap_or_default(),
            _ => T::default(),
        }
    }

    /// A place to write to.
    #[inline]
    pub(crate) fn entry(&mut self, id: u16) -> &mut T {
        let (page, place) = split(id);
        if !matches!(self.pages.get(page), Some(Some(_))) {
            self.touch(page);
        }
        let values = self.pages[page].get_or_insert_with(|| Box::new([T::default(); PAGE]));
        &mut values[place]
    }

    /// Makes room for a page that was never written.
    #[cold]
    fn touch(&mut self, page: usize) {
        if self.pages.len() <= page {
            if page < 2 * PAGE {
                self.pages.reserve_exact(page + 1 - self.pages.len());
            }
            self.pages.resize_with(page + 1, || None);
        }
    }

    /// Every value of every touched page, with its id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, T)> {
        let pages = (0..=u16::MAX).step_by(PAGE).zip(&self.pages);
        pages.flat_map(|(first, page)| {
            let values = page.iter().flat_map(|page| page.iter().copied());
            (first..=u16::MAX).zip(values)
        })
    }

    /// Every value of every touched page.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pages
            .iter_mut()
            .flatten()
            .flat_map(|page| page.iter_mut())
    }
}

fn split(id: u16) -> (usize, usize) {
    (usize::from(id) / PAGE, usize::from(id) % PAGE)
}

const PAGE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_written_is_the_default() {
        let mut sparse = Sparse::<u16>::new();
        *sparse.entry(65_535) = 7;
        *sparse.entry(64) = 3;
        assert_eq!(
            [0, 63, 64, 65, 65_534, 65_535].map(|id| sparse.get(id)),
            [0, 0, 3, 0, 0, 7]
        );
        let written = sparse.iter().filter(|(_, value)| *value != 0);
        assert!(written.eq([(64, 3), (65_535, 7)]));
    }
}
