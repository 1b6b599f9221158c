//! Places where a test may have a process die, and mistakes it may have the process make, to see that they are found.
//!
//! Without the feature `active`, which only tests ask for, there is nothing here: no place is one and no mistake is made.
#![warn(missing_docs)]

#[cfg(feature = "active")]
mod active;

#[cfg(feature = "active")]
pub use active::{OBEYED, has, obey, passes};

/// A place on the way of a change from the post that was changed to the copies of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A change is written and nobody was asked to announce it.
    Written,
    /// A change is about to be published.
    Taken,
    /// A change is sent to the broker, which has not confirmed it.
    Published,
    /// The broker has confirmed a change, and that is not noted.
    Confirmed,
    /// An event is delivered and nothing came of it.
    Delivered,
    /// What an event leads to is written, and the event not acknowledged.
    Handled,
}

/// A mistake. The model of the same way, in the tests of the post service, makes them too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// An event is acknowledged before what it leads to is written.
    AckBeforeWrite,
    /// A change is noted as announced before the broker has confirmed it.
    ClearBeforeConfirm,
    /// What finds no queue is dropped by the broker, and confirmed.
    NotMandatory,
    /// An older version replaces a newer one.
    NoVersionGuard,
    /// Nothing is left of a deleted post.
    NoTombstone,
    /// What was sent counts as confirmed.
    NoConfirm,
    /// The end of a subscription goes unnoticed.
    LostCancel,
    /// A change is noted as announced although it is the one before that was.
    StaleRead,
}

impl Point {
    /// In the order they are passed.
    pub const ALL: [Self; 6] = [
        Self::Written,
        Self::Taken,
        Self::Published,
        Self::Confirmed,
        Self::Delivered,
        Self::Handled,
    ];

    /// What a test names it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Taken => "taken",
            Self::Published => "published",
            Self::Confirmed => "confirmed",
            Self::Delivered => "delivered",
            Self::Handled => "handled",
        }
    }
}

impl Bug {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::AckBeforeWrite,
        Self::ClearBeforeConfirm,
        Self::NotMandatory,
        Self::NoVersionGuard,
        Self::NoTombstone,
        Self::NoConfirm,
        Self::LostCancel,
        Self::StaleRead,
    ];

    /// What a test names it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::AckBeforeWrite => "ack-before-write",
            Self::ClearBeforeConfirm => "clear-before-confirm",
            Self::NotMandatory => "not-mandatory",
            Self::NoVersionGuard => "no-version-guard",
            Self::NoTombstone => "no-tombstone",
            Self::NoConfirm => "no-confirm",
            Self::LostCancel => "lost-cancel",
            Self::StaleRead => "stale-read",
        }
    }
}

/// The process is at `point`, where it may die.
#[cfg(not(feature = "active"))]
#[inline(always)]
pub const fn passes(_point: Point) {}

/// Whether this mistake is to be made.
#[cfg(not(feature = "active"))]
#[inline(always)]
pub const fn has(_bug: Bug) -> bool {
    false
}

/// Takes orders: what to do wrong, and where to die.
#[cfg(not(feature = "active"))]
pub const fn obey() {}
