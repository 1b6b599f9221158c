//! What `validate` fills in, and what it refuses in which words.

use operator_api::{Component, SocialPlatformSpec};

use super::*;
use crate::{
    fixture::{defaults, platform, with_spec},
    platform::{GatewayExposure, MediaStorage, Scale},
    quantity::{ByteCount, MilliCpus},
};

/// The sentence a spec is refused with.
fn refusal(spec: &str) -> String {
    validate(&platform(serde_yaml::from_str(spec).unwrap()), &defaults())
        .unwrap_err()
        .to_string()
}

fn named(name: &str) -> Result<ValidatedPlatform, Invalid> {
    let mut platform = platform(SocialPlatformSpec::default());
    platform.metadata.name = Some(name.into());

    validate(&platform, &defaults())
}

#[test]
fn an_empty_spec_is_complete() {
    let platform = with_spec("{}");

    assert_eq!(platform.version, "1.2.3", "the operator's own version");
    assert_eq!(platform.images.registry, "docker.io/socialplatform");
    assert_eq!(platform.gateway.exposure, GatewayExposure::ClusterIp);
    let mongodb = platform.managed_store(Component::MongoDb).unwrap();
    assert_eq!(mongodb.volume_size, ByteCount::gibibytes(8));
    assert_eq!(platform.url(), "http://demo-gateway.town.svc:8080");
    for component in Component::ALL {
        assert_eq!(platform.replicas(component), 1, "{component}");
    }
}

#[test]
fn what_is_given_stands_and_defaults_move_out_of_its_way() {
    let resources = |given: &str| {
        with_spec(&format!("post: {{resources: {given}}}"))
            .post
            .pods
            .resources
    };

    let small = resources("{limits: {cpu: 10m, memory: 64Mi}}");
    assert_eq!(
        (small.cpu_request, small.cpu_limit),
        (MilliCpus(10), MilliCpus(10))
    );
    assert_eq!(
        (small.memory_request, small.memory_limit),
        (ByteCount::mebibytes(32), ByteCount::mebibytes(64))
    );

    let large = resources("{requests: {cpu: 2, memory: 1Gi}}");
    assert_eq!(
        (large.cpu_request, large.cpu_limit),
        (MilliCpus(2000), MilliCpus(2000))
    );
    assert_eq!(
        (large.memory_request, large.memory_limit),
        (ByteCount::gibibytes(1), ByteCount::gibibytes(1))
    );
}

#[test]
fn identity_has_room_for_the_passwords_it_hashes_at_once() {
    let memory = |given: &str| {
        let resources = with_spec(&format!("identity: {given}"))
            .identity
            .pods
            .resources;
        (resources.memory_request, resources.memory_limit)
    };
    let mebibytes = ByteCount::mebibytes;

    assert_eq!(memory("{}"), (mebibytes(51), mebibytes(256)));
    assert_eq!(
        memory("{passwordHash: {memoryKib: 262144}}"),
        (mebibytes(288), mebibytes(288))
    );
    assert_eq!(
        memory("{passwordHash: {memoryKib: 65536}, resources: {limits: {cpu: 4500m}}}"),
        (mebibytes(288), mebibytes(288))
    );
    assert_eq!(
        memory("{resources: {limits: {cpu: 500m, memory: 64Mi}}}"),
        (mebibytes(51), mebibytes(64))
    );
}

#[test]
fn sessions_end_in_order() {
    let idle = |given: &str| {
        with_spec(&format!("identity: {given}"))
            .identity
            .refresh_token_idle_seconds
    };

    assert_eq!(idle("{}"), 604_800);
    assert_eq!(idle("{refreshTokenTtlSeconds: 86400}"), 86_400);
}

#[test]
fn another_order_of_a_set_is_the_same_platform() {
    let platform = |origins: &str, types: &str| {
        with_spec(&format!(
            "{{gateway: {{cors: {{allowedOrigins: [{origins}]}}}}, media: {{allowedTypes: [{types}]}}}}"
        ))
    };

    assert_eq!(
        platform("'https://a', 'https://b'", "image/png, image/jpeg"),
        platform("'https://b', 'https://a'", "image/jpeg, image/png")
    );
    assert_eq!(with_spec("{}").media.allowed_types.len(), 5);
}

#[test]
fn a_bucket_is_amazons_unless_somebody_says_otherwise() {
    let s3 = "region: eu-central-1, bucket: files, credentialsSecretRef: {name: keys}";
    let platform = with_spec(&format!("media: {{storage: {{s3: {{{s3}}}}}}}"));

    assert_eq!(
        platform.media.storage,
        MediaStorage::S3 {
            endpoint: "https://s3.eu-central-1.amazonaws.com".into(),
            region: "eu-central-1".into(),
            bucket: "files".into(),
            secret: "keys".into(),
        }
    );
}

#[test]
fn contradictions_are_refused_in_a_sentence() {
    let cases = [
        (
            "post: {resources: {requests: {cpu: 2}, limits: {cpu: 1}}}",
            "spec.post.resources.limits.cpu must not be below requests.cpu",
        ),
        (
            "post: {resources: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}}",
            "spec.post.resources.limits.memory must not be below requests.memory",
        ),
        (
            "post: {resources: {limits: {memory: 32Mi}}}",
            "spec.post.resources.limits.memory must be at least 64Mi",
        ),
        (
            "mongodb: {managed: {resources: {limits: {memory: 256Mi}}}}",
            "spec.mongodb.managed.resources.limits.memory must be at least 512Mi",
        ),
        (
            "redis: {managed: {storage: {size: lots}}}",
            "spec.redis.managed.storage.size must be an amount with a unit such as 512Mi or 8Gi, not \"lots\"",
        ),
        (
            "gateway: {resources: {limits: {cpu: none}}}",
            "spec.gateway.resources.limits.cpu must be a number of processors such as 2, 0.5 or 250m, not \"none\"",
        ),
        (
            "gateway: {exposure: {nodePort: 30000}}",
            "spec.gateway.exposure.nodePort is only for type NodePort",
        ),
        (
            "gateway: {cors: {allowedOrigins: ['https://a', '*']}}",
            "spec.gateway.cors.allowedOrigins must be * alone or origins without it",
        ),
        (
            "identity: {refreshTokenTtlSeconds: 3600}",
            "spec.identity.refreshTokenTtlSeconds must be greater than accessTokenTtlSeconds",
        ),
        (
            "identity: {refreshTokenIdleSeconds: 3600}",
            "spec.identity.refreshTokenIdleSeconds must be greater than accessTokenTtlSeconds and not greater than refreshTokenTtlSeconds",
        ),
        (
            "identity: {passwordHash: {iterations: 1}}",
            "spec.identity.passwordHash must have memoryKib times iterations of at least 35840",
        ),
        (
            "identity: {resources: {requests: {cpu: 3}, limits: {memory: 88Mi}}}",
            "spec.identity.resources.limits.memory must be at least 89Mi: 3 passwords are hashed at once, each in 19456 KiB",
        ),
        (
            "media: {maxUploadBytes: 2048, userQuotaBytes: 1024}",
            "spec.media.userQuotaBytes must not be below maxUploadBytes",
        ),
        (
            "media: {storage: {}}",
            "spec.media.storage must be exactly one of gridfs, s3 and cloudinary",
        ),
        (
            "version: latest!",
            "spec.version must be an image tag of at most 63 letters, digits, dots, hyphens and underscores, not \"latest!\"",
        ),
    ];
    for (spec, sentence) in cases {
        assert_eq!(refusal(spec), sentence);
    }
}

#[test]
fn the_operators_own_version_is_checked_like_any_other() {
    let defaults = Defaults {
        version: String::new(),
    };

    assert_eq!(
        validate(&platform(SocialPlatformSpec::default()), &defaults)
            .unwrap_err()
            .field,
        "spec.version"
    );
}

#[test]
fn names_leave_room_for_what_is_made_of_them() {
    assert!(named(&"a".repeat(40)).is_ok());
    for name in ["", "1demo", "demo-", "de.mo", "Demo", &"a".repeat(41)] {
        assert_eq!(named(name).unwrap_err().field, "metadata.name", "{name}");
    }
}

#[test]
fn a_resource_that_no_cluster_stored_is_refused() {
    let mut platform = platform(SocialPlatformSpec::default());
    platform.metadata.uid = None;

    assert_eq!(
        validate(&platform, &defaults()).unwrap_err().field,
        "metadata.uid"
    );
}

#[test]
fn names_that_others_rely_on_are_not_given_away() {
    for (labels, sentence) in [
        (
            "app.kubernetes.io/name: other",
            "spec.post.podLabels must not have the name app.kubernetes.io/name: names with app.kubernetes.io/ are taken",
        ),
        (
            "-a: b",
            "spec.post.podLabels must have names such as example.com/team of at most 63 letters, digits, dots, hyphens and \
             underscores, not \"-a\"",
        ),
        (
            "team: a b",
            "spec.post.podLabels must have label values of letters, digits, dots, hyphens and underscores, and team is \
             \"a b\"",
        ),
    ] {
        assert_eq!(
            refusal(&format!(
                "post: {{podLabels: {{\"{}}}}}",
                labels.replacen(": ", "\": ", 1)
            )),
            sentence
        );
    }
    with_spec(
        "post: {podLabels: {example.com/team: a, team: ''}, podAnnotations: {a.b/c: 'any text ✿'}}",
    );
}

#[test]
fn pods_are_fixed_in_number_or_follow() {
    assert_eq!(
        refusal("post: {replicas: 2, autoscaling: {maxReplicas: 3}}"),
        "spec.post.replicas and autoscaling exclude each other"
    );
    assert_eq!(
        refusal("post: {autoscaling: {minReplicas: 4, maxReplicas: 3}}"),
        "spec.post.autoscaling.minReplicas must not be above maxReplicas"
    );
    assert_eq!(
        with_spec("post: {autoscaling: {maxReplicas: 3}}")
            .post
            .pods
            .scale,
        Scale::Between {
            least: 1,
            most: 3,
            cpu_percent: 80
        }
    );
}

#[test]
fn a_store_is_run_by_the_operator_or_by_somebody_else() {
    assert_eq!(
        refusal("redis: {managed: {}, external: {secretRef: {name: own}}}"),
        "spec.redis must be managed or external, not both"
    );
    let own = with_spec("redis: {external: {secretRef: {name: own}}}");
    assert_eq!(own.managed_store(Component::Redis), None);
}
