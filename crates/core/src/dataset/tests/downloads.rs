//! Downloads from a server that drops, lies, fails and moves.

use std::fs;
use std::time::Duration;

use super::server::{Answer, Server};
use super::{Bench, Promise, hash};
use crate::Error;
use crate::dataset::Progress;

/// Content without a period, so that a piece in the wrong place changes it.
fn content() -> Vec<u8> {
    (0..300_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn bench(content: &[u8], urls: &[String]) -> Bench {
    Bench::new(&[Promise { name: "a.bin", content, urls: urls.to_vec(), unpack: None }], "")
}

const PART: &str = "cache/.store/set/a.bin.part";

#[test]
fn a_dropped_connection_resumes_where_it_stopped() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, [Answer::CutAfter(500_000), Answer::CutAfter(100_000)]);
    let bench = bench(&content, &[server.url("/a")]);
    let folder = bench.locate().unwrap();
    assert_eq!(fs::read(folder.join("a.bin")).unwrap(), content);
    let ranges: Vec<_> = server.requests().into_iter().map(|(_, range)| range).collect();
    assert_eq!(ranges, [None, Some("bytes=500000-".into()), Some("bytes=600000-".into())]);
    // Nothing but the file lies in the folder, and it is neither fetched nor hashed again.
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(bench.count_checks(), 0);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_part_of_an_earlier_run_is_gone_on_with() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, []);
    let bench = bench(&content, &[server.url("/a")]);
    bench.write(PART, &content[..1000]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert_eq!(server.requests(), [("/a".into(), Some("bytes=1000-".into()))]);
}

#[test]
fn a_whole_part_needs_no_request() {
    let content = content();
    let bench = bench(&content, &["http://127.0.0.1:9/a".into()]);
    bench.write(PART, &content);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
}

#[test]
fn a_part_of_another_file_costs_one_more_download() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, []);
    let bench = bench(&content, &[server.url("/a")]);
    bench.write(PART, &[7; 1000]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_part_that_is_too_long_is_thrown_away() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, []);
    let bench = bench(&content, &[server.url("/a")]);
    bench.write(PART, &vec![7; content.len() + 1]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert_eq!(server.requests(), [("/a".into(), None)]);
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, [Answer::CutAfter(500_000), Answer::IgnoreRange]);
    let bench = bench(&content, &[server.url("/a")]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
}

#[test]
fn a_server_that_refuses_the_range_is_asked_for_all() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, [Answer::Status("416 Range Not Satisfiable", "")]);
    let bench = bench(&content, &[server.url("/a")]);
    bench.write(PART, &content[..1000]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert_eq!(server.requests()[1], ("/a".into(), None));
}

#[test]
fn a_silent_server_is_left_and_asked_again() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, [Answer::Stall(100_000, Duration::from_secs(5))]);
    let bench = bench(&content, &[server.url("/a")]);
    let start = std::time::Instant::now();
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_wrong_checksum_is_refused_and_removed() {
    let (server, content) = (Server::start(), content());
    let mut wrong = content.clone();
    wrong[77] ^= 1;
    server.put("/a", &content, [Answer::Wrong(wrong.clone())]);
    let bench = bench(&content, &[server.url("/a")]);
    let message = bench.locate().unwrap_err().to_string();
    assert!(message.contains(&format!("sha256 {}; expected {}", hash(&wrong), hash(&content))), "{message}");
    assert!(!bench.path(PART).exists() && !bench.path("cache/set/a.bin").exists());
}

#[test]
fn a_wrong_checksum_turns_to_the_mirror() {
    let (server, content) = (Server::start(), content());
    let mut wrong = content.clone();
    wrong[77] ^= 1;
    server.put("/a", &wrong, []);
    server.put("/b", &content, []);
    let bench = bench(&content, &[server.url("/a"), server.url("/b")]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
}

#[test]
fn not_found_turns_to_the_mirror_at_once() {
    let (server, content) = (Server::start(), content());
    server.put("/b", &content, []);
    let bench = bench(&content, &[server.url("/a"), server.url("/b")]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert_eq!(server.requests(), [("/a".into(), None), ("/b".into(), None)]);
}

#[test]
fn a_mirror_goes_on_where_the_first_address_stopped() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, vec![Answer::CutAfter(1000), Answer::Status("404 Not Found", "")]);
    server.put("/b", &content, []);
    let bench = bench(&content, &[server.url("/a"), server.url("/b")]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert_eq!(server.requests()[2], ("/b".into(), Some("bytes=1000-".into())));
}

#[test]
fn busy_then_fine() {
    let (server, content) = (Server::start(), content());
    let busy = Answer::Status("503 Service Unavailable", "Retry-After: 1\r\n");
    server.put("/a", &content, [busy]);
    let bench = bench(&content, &[server.url("/a")]);
    let mut waits = Vec::new();
    let mut note = |step: Progress<'_>| {
        if let Progress::Retry { wait, reason, .. } = step {
            waits.push((wait, reason.to_owned()));
        }
    };
    bench.store.locate("set", &mut note).unwrap();
    assert_eq!(waits, [(Duration::from_secs(1), "HTTP 503 Service Unavailable".into())]);
}

#[test]
fn a_server_that_asks_for_hours_is_not_waited_for() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, [Answer::Status("429 Too Many Requests", "Retry-After: 7200\r\n")]);
    let bench = bench(&content, &[server.url("/a")]);
    let message = bench.locate().unwrap_err().to_string();
    assert!(message.contains("HTTP 429 Too Many Requests, to be tried again in 7200 s"), "{message}");
}

#[test]
fn when_all_fail_each_reason_is_told_and_what_to_do() {
    let (server, content) = (Server::start(), content());
    server.put("/b", &content, vec![Answer::Status("503 Service Unavailable", ""); 9]);
    server.put("/c", &content, vec![Answer::CutAfter(0); 9]);
    server.put("/d", b"a page that asks to log in", []);
    let refused = "http://127.0.0.1:9/e".to_string();
    let urls = [server.url("/a"), server.url("/b"), server.url("/c"), server.url("/d"), refused.clone()];
    let bench = bench(&content, &urls);
    let error = bench.locate().unwrap_err();
    assert!(matches!(error, Error::Download(_)));
    let message = error.to_string();
    for expected in [
        format!("{}: HTTP 404 Not Found\n", urls[0]),
        format!("{}: HTTP 503 Service Unavailable (3 attempts)\n", urls[1]),
        format!("{}: its file has 26 bytes; expected 1200000\n", urls[3]),
        format!("By hand: download {} (home page: http://home.example)", urls[0]),
        format!("a.bin (1200000 bytes, sha256 {})", hash(&content)),
        format!("belongs into the folder {}", bench.path("cache/set").display()),
    ] {
        assert!(message.contains(&expected), "{message}\nlacks {expected}");
    }
    assert!(message.contains(&format!("{}: ", urls[2])) && message.contains(&format!("{refused}: ")), "{message}");
    assert_eq!(server.requests().len(), 1 + 3 + 3 + 1);
    // And then doing it by hand does help.
    bench.write("cache/set/a.bin", &content);
    assert_eq!(bench.locate().unwrap(), bench.path("cache/set"));
}

#[test]
fn more_than_was_declared_is_cut_off() {
    let (server, content) = (Server::start(), content());
    let long = [content.clone(), vec![0; 10]].concat();
    server.put("/a", &content, [Answer::Unsized(long)]);
    let bench = bench(&content, &[server.url("/a")]);
    let message = bench.locate().unwrap_err().to_string();
    assert!(message.contains("sends more than the 1200000 bytes expected"), "{message}");
    assert!(!bench.path(PART).exists());
}

#[test]
fn a_body_that_ends_early_is_gone_on_with() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, [Answer::Unsized(content[..400_000].to_vec())]);
    let bench = bench(&content, &[server.url("/a")]);
    assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content);
    assert_eq!(server.requests()[1], ("/a".into(), Some("bytes=400000-".into())));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_as_such() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, []);
    let bench = bench(&content, &[server.url("/a")]);
    fs::create_dir_all(bench.path("cache/.store/set")).unwrap();
    // Every write to this device fails as if the disk were full.
    std::os::unix::fs::symlink("/dev/full", bench.path(PART)).unwrap();
    let message = bench.locate().unwrap_err().to_string();
    assert!(message.contains("the disk is full; a.bin needs 1200000 bytes"), "{message}");
    assert!(message.contains("OGNIVO_CACHE"), "{message}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn two_at_once_download_once() {
    let (server, content) = (Server::start(), content());
    server.put("/a", &content, [Answer::CutAfter(600_000)]);
    let bench = bench(&content, &[server.url("/a")]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(fs::read(bench.locate().unwrap().join("a.bin")).unwrap(), content));
        }
    });
    assert_eq!(server.requests().len(), 2, "one download, resumed once");
}
