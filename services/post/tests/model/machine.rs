//! The machine: what there is, what may happen, and what must hold.

use faults::Bug;
use stateright::{Model, Property};

/// What may go wrong, in one run.
const FAULTS: u8 = 2;
/// Created, edited, deleted.
const WRITES: u8 = 3;
/// No more of the same waits in one place; what would be more than that is more of the same.
const MOST: usize = 2;

pub struct Machine {
    pub bug: Option<Bug>,
}

/// A post at a version, as an event says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    version: u8,
    is_deleted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Copy {
    None,
    Live(u8),
    Tombstone,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The document; nothing before it is written and after it is removed.
    post: Option<Snapshot>,
    is_pending: bool,
    writes: u8,
    was_announced_again: bool,
    faults: u8,

    /// What a relay is about to publish, what is on its way to the broker, and the confirms on their way back.
    relay: Vec<Snapshot>,
    wire: Vec<Snapshot>,
    confirms: Vec<Snapshot>,

    has_queue: bool,
    queue: Vec<Snapshot>,
    is_followed: bool,
    /// Delivered, and whether the first of write and acknowledgement was done.
    delivered: Vec<(Snapshot, bool)>,
    copy: Copy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Write,
    AnnounceAgain,

    /// A relay looks for what nobody announces.
    Sweep,
    Publish(usize),
    Arrive(usize),
    Note(usize),
    Deliver(usize),
    Begin(usize),
    Finish(usize),
    Follow,

    // Faults.
    /// A relay is slow, and another takes over what it is about to do.
    LeaseEnds,
    RelayDies,
    ConsumerDies,
    NeverArrives(usize),
    ConfirmLost(usize),
    QueueRemoved,
    Cancelled,
}

impl Step {
    fn is_fault(self) -> bool {
        matches!(
            self,
            Self::LeaseEnds
                | Self::RelayDies
                | Self::ConsumerDies
                | Self::NeverArrives(_)
                | Self::ConfirmLost(_)
                | Self::QueueRemoved
                | Self::Cancelled
        )
    }
}

impl Machine {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// What goes on by itself until all is done.
    fn progress(&self, state: &State, steps: &mut Vec<Step>) {
        let is_idle = state.relay.is_empty() && state.wire.is_empty() && state.confirms.is_empty();
        if state.is_pending && is_idle {
            steps.push(Step::Sweep);
        }
        steps.extend((0..state.relay.len()).map(Step::Publish));
        steps.extend((0..state.wire.len()).map(Step::Arrive));
        steps.extend((0..state.confirms.len()).map(Step::Note));
        if state.is_followed {
            steps.extend((0..state.queue.len()).map(Step::Deliver));
        } else if !self.has(Bug::LostCancel) {
            steps.push(Step::Follow);
        }
        for (at, (_, is_half_done)) in state.delivered.iter().enumerate() {
            steps.push(if *is_half_done {
                Step::Finish(at)
            } else {
                Step::Begin(at)
            });
        }
    }

    /// Of the change that `event` tells, it is known that it is announced.
    fn note(&self, state: &mut State, event: Snapshot) {
        // A post that was changed again meanwhile is to be announced again.
        if !state.is_pending || (state.post != Some(event) && !self.has(Bug::StaleRead)) {
            return;
        }
        state.is_pending = false;
        if state.post.is_some_and(|post| post.is_deleted) {
            state.post = None;
        }
    }

    /// What was delivered and not acknowledged is delivered again.
    fn hand_back(&self, state: &mut State) {
        for (event, is_half_done) in std::mem::take(&mut state.delivered) {
            let is_acknowledged = self.has(Bug::AckBeforeWrite) && is_half_done;
            if !is_acknowledged {
                put(&mut state.queue, event);
            }
        }
    }

    fn apply(&self, copy: Copy, event: Snapshot) -> Copy {
        if event.is_deleted {
            return if self.has(Bug::NoTombstone) {
                Copy::None
            } else {
                Copy::Tombstone
            };
        }
        match copy {
            Copy::Tombstone => Copy::Tombstone,
            Copy::Live(version) if version > event.version && !self.has(Bug::NoVersionGuard) => {
                copy
            }
            Copy::Live(_) | Copy::None => Copy::Live(event.version),
        }
    }
}

impl Model for Machine {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            post: None,
            is_pending: false,
            writes: 0,
            was_announced_again: false,
            faults: 0,
            relay: Vec::new(),
            wire: Vec::new(),
            confirms: Vec::new(),
            has_queue: true,
            queue: Vec::new(),
            is_followed: true,
            delivered: Vec::new(),
            copy: Copy::None,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.progress(state, steps);
        if state.writes < WRITES {
            steps.push(Step::Write);
        }
        let is_live = state.post.is_some_and(|post| !post.is_deleted);
        if is_live && !state.is_pending && !state.was_announced_again {
            steps.push(Step::AnnounceAgain);
        }
        if state.faults < FAULTS {
            if state.is_pending {
                steps.push(Step::LeaseEnds);
            }
            steps.push(Step::RelayDies);
            steps.push(Step::ConsumerDies);
            steps.extend((0..state.wire.len()).map(Step::NeverArrives));
            steps.extend((0..state.confirms.len()).map(Step::ConfirmLost));
            // Nobody removes a queue with something in it.
            if state.has_queue && state.queue.is_empty() && state.delivered.is_empty() {
                steps.push(Step::QueueRemoved);
            }
            if state.is_followed {
                steps.push(Step::Cancelled);
            }
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        if step.is_fault() {
            state.faults += 1;
        }
        match step {
            Step::Write => {
                state.writes += 1;
                let post = Snapshot {
                    version: state.writes,
                    is_deleted: state.writes == WRITES,
                };
                // One write holds both.
                state.post = Some(post);
                state.is_pending = true;
                put(&mut state.relay, post);
            }
            Step::AnnounceAgain => {
                state.was_announced_again = true;
                state.is_pending = true;
            }
            Step::Sweep | Step::LeaseEnds => {
                let mut post = state.post?;
                if self.has(Bug::StaleRead) && post.version > 1 {
                    // Of a member that is behind.
                    post = Snapshot {
                        version: post.version - 1,
                        is_deleted: false,
                    };
                }
                put(&mut state.relay, post);
            }
            Step::Publish(at) => {
                let event = state.relay.remove(at);
                put(&mut state.wire, event);
                if self.has(Bug::ClearBeforeConfirm) {
                    self.note(&mut state, event);
                }
            }
            Step::Arrive(at) => {
                let event = state.wire.remove(at);
                if state.has_queue {
                    put(&mut state.queue, event);
                    put(&mut state.confirms, event);
                } else if self.has(Bug::NotMandatory) {
                    put(&mut state.confirms, event);
                } else {
                    // It comes back, and the next connection declares the queue.
                    state.has_queue = true;
                }
            }
            Step::Note(at) => {
                let event = state.confirms.remove(at);
                self.note(&mut state, event);
            }
            Step::Deliver(at) => {
                let event = state.queue.remove(at);
                state.delivered.push((event, false));
                state.delivered.sort_unstable();
            }
            Step::Begin(at) => {
                let (event, _) = state.delivered[at];
                if !self.has(Bug::AckBeforeWrite) {
                    state.copy = self.apply(state.copy, event);
                }
                state.delivered[at].1 = true;
                state.delivered.sort_unstable();
            }
            Step::Finish(at) => {
                let (event, _) = state.delivered.remove(at);
                if self.has(Bug::AckBeforeWrite) {
                    state.copy = self.apply(state.copy, event);
                }
            }
            Step::Follow => {
                state.has_queue = true;
                state.is_followed = true;
            }

            Step::RelayDies => {
                state.relay.clear();
                state.wire.clear();
                state.confirms.clear();
            }
            Step::ConsumerDies => self.hand_back(&mut state),
            Step::NeverArrives(at) => {
                let event = state.wire.remove(at);
                if self.has(Bug::NoConfirm) {
                    put(&mut state.confirms, event);
                }
            }
            Step::ConfirmLost(at) => {
                state.confirms.remove(at);
            }
            Step::QueueRemoved => {
                state.has_queue = false;
                state.is_followed = false;
            }
            Step::Cancelled => {
                self.hand_back(&mut state);
                state.is_followed = false;
            }
        }

        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "copies agree in the end",
                |machine: &Self, state: &State| {
                    let mut steps = Vec::new();
                    machine.progress(state, &mut steps);
                    !steps.is_empty() || state.agrees()
                },
            ),
            Property::sometimes("the copy is live", |_, state: &State| {
                state.copy == Copy::Live(1)
            }),
            Property::sometimes("the post is gone everywhere", |_, state: &State| {
                state.writes == WRITES && state.post.is_none() && state.copy == Copy::Tombstone
            }),
        ]
    }
}

impl State {
    fn agrees(&self) -> bool {
        match self.post {
            Some(post) if post.is_deleted => false,
            Some(post) => self.copy == Copy::Live(post.version),
            None if self.writes == 0 => self.copy == Copy::None,
            None => !matches!(self.copy, Copy::Live(_)),
        }
    }
}

/// In no order, so that states that differ in nothing else are one.
fn put(place: &mut Vec<Snapshot>, event: Snapshot) {
    let same = place.iter().filter(|other| **other == event).count();
    if same < MOST {
        place.push(event);
        place.sort_unstable();
    }
}
