//! Every contract has exactly one sample, and reads and writes it unchanged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use events::{Envelope, Event, PostCreated, PostDeleted, PostUpdated, UserDeleted};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// Reads the sample of `E`, writes it again, and compares the text.
fn round_trip<E: Event>() -> String {
    let file = format!("{}.json", E::TYPE);
    let text = fs::read_to_string(samples().join(&file)).expect("the contract has a sample");
    let envelope: Envelope<E> = serde_json::from_str(&text).expect("the sample is readable");
    assert_eq!(envelope.kind, E::TYPE);
    let written = serde_json::to_string_pretty(&envelope).expect("an envelope is writable");
    assert_eq!(written.trim(), text.trim());

    file
}

#[test]
fn every_contract_reads_and_writes_its_sample() {
    let contracts = BTreeSet::from([
        round_trip::<PostCreated>(),
        round_trip::<PostUpdated>(),
        round_trip::<PostDeleted>(),
        round_trip::<UserDeleted>(),
    ]);
    let files = fs::read_dir(samples())
        .expect("the folder of samples is there")
        .map(|entry| {
            entry
                .expect("a file")
                .file_name()
                .into_string()
                .expect("a UTF-8 name")
        })
        .collect::<BTreeSet<_>>();

    assert_eq!(
        files, contracts,
        "samples and contracts must be the same set"
    );
}
