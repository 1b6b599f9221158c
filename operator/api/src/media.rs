//! Media's part of the resource: how it runs, what may be uploaded, and where files are kept.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{pods::ServicePods, resources::Resources, rules};

/// How the media service runs, what may be uploaded, and where files are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::service_memory_is_enough(),
    validation = rules::replicas_are_fixed_or_follow(),
    validation = rules::quota_holds_the_largest_upload()
)]
pub struct Media {
    #[serde(flatten)]
    pub pods: ServicePods,

    /// Requests and limits of each pod. Default: requests of 20m and 32Mi, limits of 1 processor and 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// The largest file that may be uploaded, in bytes. It has to arrive within a minute. Default: 5242880, which is 5 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 268_435_456))]
    pub max_upload_bytes: Option<i64>,

    /// Which types of files may be uploaded, as their first bytes tell. Default: all there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allowed_types: Vec<MediaType>,

    /// How long a file is kept that no post has shown. Default: 86400, a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 2_592_000))]
    pub unclaimed_upload_ttl_seconds: Option<i32>,

    /// How much one person's files may take, in bytes. Default: 1073741824, which is 1 GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 1_125_899_906_842_624_i64))]
    pub user_quota_bytes: Option<i64>,

    /// Where files are kept. Its kind cannot be changed after the platform was created: files stay where they were put. Default:
    /// `gridfs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<MediaStorage>,
}

/// A type of files, as in `Content-Type`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum MediaType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/gif")]
    Gif,
    #[serde(rename = "image/webp")]
    WebP,
    #[serde(rename = "video/mp4")]
    Mp4,
}

impl MediaType {
    pub const ALL: [Self; 5] = [Self::Jpeg, Self::Png, Self::Gif, Self::WebP, Self::Mp4];

    /// As in `Content-Type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Mp4 => "video/mp4",
        }
    }
}

/// Where files are kept: exactly one place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::storage_is_one_of_three())]
pub struct MediaStorage {
    /// In MongoDB, beside what is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gridfs: Option<GridFs>,

    /// In a bucket of an S3 server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,

    /// At Cloudinary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudinary: Option<Cloudinary>,
}

impl MediaStorage {
    /// The Secret it is reached with, if it takes one.
    pub fn secret_name(&self) -> Option<&str> {
        let s3 = self.s3.as_ref().map(|s3| &s3.credentials_secret_ref);
        let cloudinary = self.cloudinary.as_ref();
        let reference = s3.or(cloudinary.map(|cloudinary| &cloudinary.secret_ref))?;

        Some(&reference.name)
    }
}

/// Files in MongoDB. There is nothing to say about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GridFs {}

/// A bucket of an S3 server, Amazon's or any other that speaks its language. It has to exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// The server, such as `https://minio.example.com:9000`; buckets are addressed by path. Default: Amazon's in the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::is_an_http_server())]
    pub endpoint: Option<String>,

    /// The bucket's region. Default: `us-east-1`, which servers other than Amazon's mostly take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::is_a_region())]
    pub region: Option<String>,

    /// Name of the bucket.
    #[schemars(length(min = 3, max = 63))]
    #[x_kube(validation = rules::is_a_bucket())]
    pub bucket: String,

    /// A Secret of the same namespace with the keys `accessKeyId` and `secretAccessKey`, whose owner may put, get and delete objects
    /// of the bucket.
    pub credentials_secret_ref: SecretRef,
}

/// An account at Cloudinary.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cloudinary {
    /// A Secret of the same namespace whose key `url` holds the account as Cloudinary's console shows it:
    /// `cloudinary://<key>:<secret>@<cloud>`.
    pub secret_ref: SecretRef,
}

/// A Secret in the platform's own namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub name: String,
}
