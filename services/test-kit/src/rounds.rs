//! How often a test of chance repeats itself.

/// `usual`, or what `TEST_ROUNDS` says: more rounds find what is rare.
pub fn rounds(usual: usize) -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told how long to look, not the services"
    )]
    let told = std::env::var("TEST_ROUNDS").ok();

    told.map_or(usual, |text| {
        text.parse().expect("TEST_ROUNDS is a whole number")
    })
}
