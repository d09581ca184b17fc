//! Lists of an agent stay short for its life, so they grow without the room that a vector likes to have in reserve.

/// Pushes with room for one more, then doubling.
pub(crate) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len().max(1));
    }
    list.push(item);
}
