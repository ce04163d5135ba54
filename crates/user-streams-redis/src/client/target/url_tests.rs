use user_streams_core::ErrorKind;

use super::*;
use crate::config::RedisConfig;

fn target(url: &str) -> Result<Target> {
    with_arguments(url, ClientArguments::new())
}

fn with_arguments(url: &str, arguments: ClientArguments) -> Result<Target> {
    Target::new(url, arguments, RedisConfig::new().limits()?)
}

fn message(url: &str) -> String {
    let error = target(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings);
    format!("{error:?}")
}

fn hosts(url: &str) -> Vec<String> {
    target(url).unwrap().hosts.iter().map(ToString::to_string).collect()
}

#[test]
fn every_part_is_read() {
    let read = target("redis://ann:p%40ss%2F%23@example.org:7000/2").unwrap();
    assert_eq!(read.topology, Topology::One);
    assert_eq!(read.hosts, [Address { host: "example.org".to_owned(), port: 7000 }]);
    assert_eq!(read.arguments.user.as_deref(), Some("ann"));
    assert_eq!(read.arguments.password.as_deref(), Some("p@ss/#"));
    assert_eq!(read.arguments.database, Some(2));
    let read = target("redis://:secret@h").unwrap();
    assert_eq!((read.arguments.user, read.arguments.password.as_deref()), (None, Some("secret")));
}

#[test]
fn every_scheme_has_its_hosts() {
    assert_eq!(hosts("redis://h"), ["h:6379"]);
    assert_eq!(hosts("redis://127.0.0.1:1/"), ["127.0.0.1:1"]);
    assert_eq!(hosts("redis://[::1]:7/0"), ["[::1]:7"]);
    assert_eq!(hosts("redis-cluster://h?node=i:7&node=[::1]:8"), ["h:6379", "i:7", "[::1]:8"]);
    let url = "redis-sentinel://h?node=i:7&sentinelServiceName=mymaster";
    assert_eq!(hosts(url), ["h:26379", "i:7"]);
    assert_eq!(target(url).unwrap().topology, Topology::Sentinel("mymaster".to_owned()));
}

#[test]
fn what_is_wrong_is_named() {
    for (url, expected) in [
        ("http://h", "unknown scheme"),
        ("redisx://h", "unknown scheme"),
        ("redis-clusters://h", "unknown scheme"),
        ("redis:", "names no host"),
        ("redis://", "names no host"),
        ("redis://:6379", "malformed URL"),
        ("redis://h:port", "port"),
        ("redis://h:0", "port"),
        ("redis://h:65536", "port"),
        ("redis://h/one", "number of a database"),
        ("redis://h/256", "number of a database"),
        ("redis://h/-1", "number of a database"),
        ("redis://h/1/2", "number of a database"),
        ("redis://h#1", "`#…`"),
        ("redis://h?node=i:7", "unknown parameter `node` in the URL: this scheme has none"),
        ("redis-cluster://h?nodes=i:7", "unknown parameter `nodes` in the URL: known is `node`"),
        ("redis-cluster://h?node=i", "`node` is malformed: expected `host:port`"),
        ("redis-cluster://h/1", "database 0 alone"),
        ("redis-sentinel://h", "sentinelServiceName"),
        ("redis-sentinel://h?sentinelServiceName=", "sentinelServiceName"),
        ("redis-sentinel://h?timeout=1", "unknown parameter `timeout`"),
        ("redis://%zz:p@h", "percent-encoded"),
        ("redis://password@h", "write `redis://:password@host`"),
    ] {
        let message = message(url);
        assert!(message.contains(expected), "{url}: {message}");
    }
}

#[test]
fn no_message_has_the_password() {
    for url in [
        "redis://s3cret@h",
        "redis://ann:s3cret@h:port",
        "redis://:s3c/s3cret@h",
        "redis://ann:1/s3cret@h",
        "redis://ann:1?s3cret@h",
        "redis://ann:1#s3cret@h",
        "redis://:s3cret%z@h",
        "redis://:s3cret@h/x",
        "redis://:s3cret@h?x=1",
        "redis://:s3cret@/0",
        "redis-sentinel://:s3cret@h",
        "redis://:p@h?s3cret=1",
        "redis-cluster://:p@h?node=s3cret",
        "redis:ann:s3cret@h",
    ] {
        let message = message(url);
        assert!(!message.contains("s3cret"), "{url}: {message}");
    }
    assert!(!format!("{:?}", target("redis://:s3cret@h").unwrap()).contains("s3cret"));
}

#[test]
fn the_url_and_the_arguments_go_together_or_are_refused() {
    let read = with_arguments("redis://ann@h", ClientArguments::new().with_password("p")).unwrap();
    assert_eq!(read.arguments.user.as_deref(), Some("ann"));
    assert_eq!(read.arguments.password.as_deref(), Some("p"));
    assert!(with_arguments("redis://h/2", ClientArguments::new().with_database(2)).is_ok());
    for (url, arguments) in [
        ("redis://h/2", ClientArguments::new().with_database(3)),
        ("redis://:p@h", ClientArguments::new().with_password("p")),
        ("redis://ann:p@h", ClientArguments::new().with_user("ann")),
        ("redis://h", ClientArguments::new().with_user("ann")),
        ("redis-cluster://h", ClientArguments::new().with_database(1)),
    ] {
        assert_eq!(
            with_arguments(url, arguments).unwrap_err().kind(),
            ErrorKind::InvalidSettings,
            "{url}"
        );
    }
}

#[test]
#[cfg(not(feature = "rustls"))]
fn tls_is_refused_without_its_feature() {
    for url in ["rediss://h", "rediss-cluster://h", "rediss-sentinel://h?sentinelServiceName=m"] {
        let message = message(url);
        assert!(message.contains("feature `rustls`"), "{url}: {message}");
    }
}

#[test]
#[cfg(feature = "rustls")]
fn tls_is_used_where_the_scheme_says_so() {
    assert!(target("rediss://h").unwrap().tls.is_some());
    assert!(target("redis://h").unwrap().tls.is_none());
    assert!(
        target("rediss-cluster://h")
            .unwrap()
            .config(fred::types::config::ServerConfig::default())
            .tls
            .is_some()
    );
}

#[test]
fn a_socket_is_a_path_with_a_login_and_a_database() {
    let read = target("redis+unix:///run/redis.sock").unwrap();
    assert_eq!(read.topology, Topology::Socket("/run/redis.sock".into()));
    assert_eq!((read.host_names(), read.arguments.database), ("/run/redis.sock".to_owned(), None));
    for host in ["", "localhost"] {
        let url = format!("redis+unix://ann:p%40ss%2F@{host}/tmp/my%20redis%40.sock?db=2");
        let read = target(&url).unwrap();
        assert_eq!(read.topology, Topology::Socket("/tmp/my redis@.sock".into()));
        assert_eq!(read.arguments.user.as_deref(), Some("ann"));
        assert_eq!(read.arguments.password.as_deref(), Some("p@ss/"));
        assert_eq!(read.arguments.database, Some(2));
    }
    let read = target("redis+unix://:secret@/s").unwrap();
    assert_eq!((read.arguments.user, read.arguments.password.as_deref()), (None, Some("secret")));
    for (url, expected) in [
        ("redis+unix://run/redis.sock", "three slashes"),
        ("redis+unix://localhost:1/redis.sock", "three slashes"),
        ("redis+unix://", "names no socket"),
        ("redis+unix:///", "names no socket"),
        ("redis+unix:s3cret", "names no socket"),
        ("redis+unix:///s?db=x", "number of a database"),
        (
            "redis+unix:///s?password=s3cret",
            "unknown parameter `password` in the URL: known is `db`",
        ),
        ("redis+unix:///s#1", "`#…`"),
        ("redis+unix://s3cret@/s", "with the colon"),
        ("redis+unix://:s3c/ret@/s", "percent-encoded"),
    ] {
        let message = message(url);
        assert!(message.contains(expected), "{url}: {message}");
        assert!(!message.contains("s3c"), "{url}: {message}");
    }
}
