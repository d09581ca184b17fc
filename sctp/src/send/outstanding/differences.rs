use std::ops::Range;

use crate::serial::Unwrapped;

/// Calls `change` for every run from `base` on that is in `after` and not in `before` (true), or the other way round (false).
pub(super) fn for_each_difference(
    base: Unwrapped,
    before: &[Range<Unwrapped>],
    after: &[Range<Unwrapped>],
    mut change: impl FnMut(Range<Unwrapped>, bool),
) {
    let mut old = Edges::new(before);
    let mut new = Edges::new(after);
    let mut place = base;
    loop {
        old.advance_to(place);
        new.advance_to(place);
        let edge = match (old.next_edge(), new.next_edge()) {
            (None, None) => return,
            (Some(edge), None) | (None, Some(edge)) => edge,
            (Some(one), Some(other)) => one.min(other),
        };
        if old.inside(place) != new.inside(place) {
            change(place..edge, new.inside(place));
        }
        place = edge;
    }
}

/// A walk over sorted runs.
struct Edges<'a> {
    runs: &'a [Range<Unwrapped>],
    place: Unwrapped,
}

impl<'a> Edges<'a> {
    const fn new(runs: &'a [Range<Unwrapped>]) -> Self {
        Self {
            runs,
            place: Unwrapped::ZERO,
        }
    }

    fn advance_to(&mut self, place: Unwrapped) {
        self.place = place;
        while let [run, rest @ ..] = self.runs
            && run.end <= place
        {
            self.runs = rest;
        }
    }

    fn inside(&self, place: Unwrapped) -> bool {
        self.runs.first().is_some_and(|run| run.contains(&place))
    }

    /// The next place, after the present one, where a run begins or ends.
    fn next_edge(&self) -> Option<Unwrapped> {
        let run = self.runs.first()?;
        Some(if run.start > self.place {
            run.start
        } else {
            run.end
        })
    }
}
