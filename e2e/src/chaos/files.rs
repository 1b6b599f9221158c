//! Comparing the files media has with those that posts show.

use std::time::Duration;

use anyhow::{Result, bail};
use futures::stream::{self, StreamExt, TryStreamExt};
use operator_api::{Component, object_name};

use crate::Platform;
use crate::chaos::findings::Findings;
use crate::chaos::journal::Journal;
use crate::chaos::truth::Truth;
use crate::chaos::{AT_ONCE, UNCLAIMED_UPLOAD_TTL_SECONDS};
use crate::client::{PublicApi, Upload};
use crate::platform::NAME;
use crate::wait::{Look, until};

/// Media looks for files whose time is over four times in that time; the rest is for removing them.
const SWEPT_WITHIN: Duration = Duration::from_secs(UNCLAIMED_UPLOAD_TTL_SECONDS * 5 / 4 + 60);

impl Findings {
    /// Waits until media has removed what no post shows, as it says itself, those files among them that nobody knows of
    /// because their upload was not answered. Then every file that was acknowledged has to be there if and only if a
    /// post shows it.
    pub async fn add_files(
        &mut self,
        platform: &Platform,
        journals: &[Journal],
        truth: &Truth,
    ) -> Result<()> {
        if let Err(error) = until("unclaimed files to go", SWEPT_WITHIN, async || {
            let orphans = match orphans(platform).await {
                Ok(orphans) => orphans,
                Err(error) => return Ok(Look::NotYet(format!("{error:#}"))),
            };
            let count = orphans.lines().count();
            Ok(Look::when(count == 0, || format!("{count}: {orphans}")))
        })
        .await
        {
            self.orphans.push(format!("{error:#}"));
        }

        let api = platform.public_api()?;
        let shown = truth.shown_files();
        let files = journals.iter().flat_map(|journal| &journal.files);
        let mut found = stream::iter(files)
            .map(|file| look_for(&api, file))
            .buffer_unordered(AT_ONCE);
        while let Some((file, is_there)) = found.try_next().await? {
            let id = &file.media_id;
            match (is_there, shown.contains(id.as_str())) {
                (false, true) => self.lost.push(format!("file {id} of a post is gone")),
                (true, false) => self.orphans.push(format!("file {id} is there")),
                _ => {}
            }
        }

        Ok(())
    }
}

/// A line for each file that no post shows, however new.
async fn orphans(platform: &Platform) -> Result<String> {
    let deployment = format!("deployment/{}", object_name(NAME, Component::Media));
    let list = ["media", "orphans", "--older-than-seconds", "0"];
    let exec = [["exec", &deployment, "--"].as_slice(), &list].concat();

    platform.namespace.kubectl(&exec).await
}

/// Whether a file is there.
async fn look_for<'a>(api: &PublicApi, file: &'a Upload) -> Result<(&'a Upload, bool)> {
    let url = &file.url;
    match api.file(url).await?.status.as_u16() {
        200 => Ok((file, true)),
        404 => Ok((file, false)),
        status => bail!("GET {url} answered {status}"),
    }
}
