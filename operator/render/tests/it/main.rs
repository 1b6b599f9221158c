//! What rendering promises, seen from outside: golden manifests of whole platforms, and what holds for every object of each.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod roll;
