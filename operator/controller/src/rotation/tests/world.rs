//! A small world in which everything takes as long as it likes: pods, stores, kubelets, and an operator that dies.
//!
//! Whatever the order, no pod ever has a password its store does not take, and no token that is good is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const TTL_SECONDS: i64 = 300;
/// How long a changed file may take to reach a pod and be read there.
const FILE_SECONDS: i64 = 95;
const WORLDS: u64 = 200;
const EVENTS: usize = 20_000;

/// A pod and what it was started with.
struct Pod<T> {
    has: T,
    ends: Option<i64>,
}

struct World {
    now: i64,
    chance: u64,
    /// The Secret.
    kept: Credentials,
    /// What the operator last made of it.
    applied: Credentials,
    published_at: i64,
    /// The generations that each store takes.
    stores: [BTreeSet<i32>; 3],
    /// The passwords that the services' pods use.
    services: Vec<Pod<i32>>,
    /// The keys that identity's pods sign with.
    identities: Vec<Pod<String>>,
    /// The public keys as each pod last read them.
    files: Vec<BTreeSet<String>>,
    /// When the last token that was signed with a key expires.
    tokens: BTreeMap<String, i64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let kept = credentials();
        let has = kept.passwords.generation;
        let key = only_key(&kept);
        let pods = 0..3;

        Self {
            now: 0,
            chance: seed,
            published_at: -1000,
            stores: [(); 3].map(|()| known(&kept)),
            services: pods.clone().map(|_| Pod { has, ends: None }).collect(),
            identities: vec![Pod {
                has: key,
                ends: None,
            }],
            files: pods.map(|_| keys_in(&kept.public_keys())).collect(),
            tokens: BTreeMap::new(),
            applied: kept.clone(),
            kept,
        }
    }

    /// A number below `below`; Knuth's multiplier.
    fn roll(&mut self, below: u64) -> u64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);

        (self.chance >> 33) % below
    }

    fn one_of(&mut self, many: usize) -> usize {
        usize::try_from(self.roll(many as u64)).unwrap()
    }

    fn happen(&mut self, wanted: Generations) {
        match self.roll(8) {
            0 | 1 => self.pass(wanted),
            2 => {
                let store = self.one_of(3);
                self.stores[store] = known(&self.applied);
            }
            3 => {
                let has = self.applied.passwords.generation;
                replace_one(&mut self.services, has, self.now);
            }
            4 => {
                let has = only_key(&self.applied);
                replace_one(&mut self.identities, has, self.now);
            }
            5 => {
                let file = self.one_of(3);
                self.files[file] = keys_in(&self.applied.public_keys());
            }
            6 => self.sign(),
            _ => self.time_passes(),
        }
    }

    /// One pass of an operator, which may end after any write and before the next.
    fn pass(&mut self, wanted: Generations) {
        let dies_after = self.roll(4);
        let read = super::kept(&self.kept);
        if dies_after == 0 {
            return;
        }
        if read.public_keys() != self.applied.public_keys() {
            self.published_at = self.now;
        }
        self.applied = read.clone();
        if dies_after == 1 {
            return;
        }

        let stays = |ends: Option<i64>| ends.is_none();
        let key = only_key(&read);
        let mut services = self.services.iter().filter(|pod| stays(pod.ends));
        let mut identities = self.identities.iter().filter(|pod| stays(pod.ends));
        let identity_runs = identities.all(|pod| pod.has == key);
        let seen = Seen {
            stores_know: self.stores.iter().all(|store| *store == known(&read)),
            services_run: identity_runs && services.all(|pod| pod.has == read.passwords.generation),
            identity_runs,
            access_token_ttl_seconds: TTL_SECONDS,
            now: at(self.now),
        };
        if let Some(next) = step(&read, wanted, &seen) {
            self.kept = next;
        }
    }

    /// Pods that are ending sign too, until they have ended.
    fn sign(&mut self) {
        for pod in &self.identities {
            self.tokens.insert(pod.has.clone(), self.now + TTL_SECONDS);
        }
    }

    fn time_passes(&mut self) {
        self.now += i64::try_from(self.roll(60)).unwrap();
        let now = self.now;
        self.services
            .retain(|pod| pod.ends.is_none_or(|ends| now < ends));
        self.identities
            .retain(|pod| pod.ends.is_none_or(|ends| now < ends));
        if now >= self.published_at + FILE_SECONDS {
            self.files.fill(keys_in(&self.applied.public_keys()));
        }
    }

    fn check(&self) {
        for store in &self.stores {
            for pod in &self.services {
                assert!(
                    store.contains(&pod.has),
                    "{} s: a pod uses passwords {}, a store takes {store:?}",
                    self.now,
                    pod.has
                );
            }
        }
        for (key, expires) in &self.tokens {
            let is_known = self.files.iter().all(|file| file.contains(key));
            assert!(
                is_known || *expires <= self.now,
                "{} s: a good token is refused",
                self.now
            );
        }
    }
}

fn replace_one<T: PartialEq>(pods: &mut Vec<Pod<T>>, has: T, now: i64) {
    let old = pods
        .iter_mut()
        .find(|pod| pod.ends.is_none() && pod.has != has);
    if let Some(old) = old {
        old.ends = Some(now + GRACE_SECONDS);
        pods.push(Pod { has, ends: None });
    }
}

fn known(credentials: &Credentials) -> BTreeSet<i32> {
    credentials
        .known_passwords()
        .map(|passwords| passwords.generation)
        .collect()
}

/// The key that signs.
fn only_key(credentials: &Credentials) -> String {
    keys_in(&credentials.token_keys.jwks).pop_first().unwrap()
}

#[test]
fn nobody_is_ever_locked_out() {
    for seed in 0..WORLDS {
        let mut world = World::new(seed);
        let wanted = generations(3, 2);
        let is_done = |world: &World| {
            is_settled(&world.kept)
                && world.kept.token_keys.generation == 3
                && world.kept.passwords.generation == 2
        };
        let mut events = 0;
        while !is_done(&world) {
            world.happen(wanted);
            world.check();
            events += 1;
            assert!(
                events < EVENTS,
                "world {seed} does not end: {:?}",
                world.kept
            );
        }
    }
}
