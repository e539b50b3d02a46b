//! How many uploads run at once: memory and disk are bounded by it, and nobody holds all of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Uploads of one process at once: at two pieces of 5 MB each, at most 240 MB for a bucket and 12 MB for a folder.
const TOTAL_MAX: usize = 24;
/// Uploads of one person at once: what a browser opens connections for.
const PER_OWNER_MAX: usize = 6;

/// Why an upload has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// The person has too many of their own.
    Owner,
    /// All people together have.
    Everybody,
}

/// Who uploads how many now.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<HashMap<String, usize>>);

/// Leave to upload one file, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    owner: String,
}

impl Slots {
    pub fn take(self: &Arc<Self>, owner: &str) -> Result<Slot, Busy> {
        let mut running = self.0.lock().expect("held for map operations only");
        if running.values().sum::<usize>() >= TOTAL_MAX {
            return Err(Busy::Everybody);
        }
        let own = running.entry(owner.to_owned()).or_default();
        if *own >= PER_OWNER_MAX {
            return Err(Busy::Owner);
        }
        *own += 1;
        Ok(Slot { slots: self.clone(), owner: owner.to_owned() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = self.slots.0.lock().expect("held for map operations only");
        if let Some(own) = running.get_mut(&self.owner) {
            *own -= 1;
            if *own == 0 {
                running.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_all_of_it_and_what_ends_is_free_again() {
        let slots = Arc::new(Slots::default());
        let mut held = Vec::new();
        for owner in ["a", "b", "c", "d"] {
            held.extend((0..PER_OWNER_MAX).map(|_| slots.take(owner).unwrap()));
            assert!(slots.take(owner).is_err());
        }
        assert_eq!(slots.take("e").unwrap_err(), Busy::Everybody);
        held.pop();
        assert_eq!(slots.take("a").unwrap_err(), Busy::Owner);
        let _last = slots.take("e").unwrap();
        drop(held);
        assert_eq!(slots.0.lock().unwrap().len(), 1, "who uploads nothing is forgotten");
    }
}
