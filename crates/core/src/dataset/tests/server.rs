//! An HTTP server for tests: it answers each request by the next step of a script, in its own thread.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The content, or the range that was asked for.
    Serve,
    /// The whole content, whatever range was asked for.
    IgnoreRange,
    /// As `Serve`, but the connection is cut after so many bytes of the body.
    CutAfter(usize),
    /// As `Serve`, but after so many bytes of the body nothing more comes for this long; then the connection is cut.
    Stall(usize, Duration),
    /// Other content.
    Wrong(Vec<u8>),
    /// Content without its length: the end of the connection is its end.
    Unsized(Vec<u8>),
    /// A status line such as `404 Not Found` with further header lines.
    Status(&'static str, &'static str),
}

#[derive(Default)]
struct State {
    content: HashMap<String, Vec<u8>>,
    script: HashMap<String, VecDeque<Answer>>,
    requests: Vec<(String, Option<String>)>,
}

/// A server on a port of its own at 127.0.0.1, until the test ends.
#[derive(Clone)]
pub(crate) struct Server {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // A client that goes away is none of the server's business.
                thread::spawn(move || drop(answer(stream, &shared)));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Puts content at a path. The script's answers are used up first; after them all requests are served.
    pub(crate) fn put(&self, path: &str, content: &[u8], script: impl IntoIterator<Item = Answer>) {
        let mut state = self.state.lock().unwrap();
        state.content.insert(path.into(), content.to_vec());
        state.script.insert(path.into(), script.into_iter().collect());
    }

    /// Path and `Range` header of each request so far.
    pub(crate) fn requests(&self) -> Vec<(String, Option<String>)> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut range = None;
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: ") {
            range = Some(value.to_owned());
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (content, step) = {
        let mut state = state.lock().unwrap();
        state.requests.push((path.clone(), range.clone()));
        let step = state.script.get_mut(&path).and_then(VecDeque::pop_front).unwrap_or(Answer::Serve);
        (state.content.get(&path).cloned(), step)
    };
    let Some(content) = content else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse::<usize>().ok());
    let whole = matches!(step, Answer::IgnoreRange | Answer::Wrong(_) | Answer::Unsized(_));
    let start = start.filter(|start| !whole && *start < content.len());
    let body = match &step {
        Answer::Wrong(other) | Answer::Unsized(other) => other,
        _ => &content[start.unwrap_or(0)..],
    };
    match (&step, start) {
        (Answer::Status(status, headers), _) => {
            return write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
        }
        (Answer::Unsized(_), _) => write!(stream, "HTTP/1.1 200 OK\r\n")?,
        (_, Some(start)) => write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{}\r\nContent-Length: {}\r\n",
            content.len() - 1,
            content.len(),
            body.len()
        )?,
        _ => write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len())?,
    }
    write!(stream, "ETag: \"v1\"\r\nConnection: close\r\n\r\n")?;
    match step {
        Answer::CutAfter(count) => stream.write_all(&body[..count.min(body.len())])?,
        Answer::Stall(count, time) => {
            stream.write_all(&body[..count.min(body.len())])?;
            stream.flush()?;
            thread::sleep(time);
        }
        _ => stream.write_all(body)?,
    }
    stream.flush()?;
    stream.shutdown(Shutdown::Both)
}
