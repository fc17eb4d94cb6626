//! A person's browser, as far as a sign-in needs one: follows redirects, keeps cookies, and shows the last page.
//!
//! Speaks plain HTTP to loopback only; knows no script and no form.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

/// No sign-in takes more redirects.
const REDIRECTS: usize = 20;

/// A browser with its cookies.
#[derive(Debug, Default)]
pub struct Browser {
    /// By port, then by name: all hosts are this computer.
    cookies: BTreeMap<(u16, String), String>,
}

/// What is shown at the end.
#[derive(Clone, Debug)]
pub struct Shown {
    /// HTTP status.
    pub status: u16,
    /// The page.
    pub page: String,
    /// Every address on the way, the first and the last included.
    pub way: Vec<String>,
}

impl Browser {
    /// Opens an address and follows where it leads.
    ///
    /// # Panics
    ///
    /// When a server cannot be reached, answers no HTTP, or redirects without end.
    pub fn open(&mut self, address: &str) -> Shown {
        let mut address = url::Url::parse(address).expect("an address");
        let mut way = Vec::new();
        for _ in 0..REDIRECTS {
            way.push(address.to_string());
            let (status, headers, page) = self.get(&address);
            let location = headers.iter().find(|(name, _)| name == "location");
            match location {
                Some((_, location)) if (300..400).contains(&status) => {
                    address = address.join(location).expect("a redirect leads to an address");
                }
                _ => return Shown { status, page, way },
            }
        }
        panic!("redirects without end: {way:#?}");
    }

    fn get(&mut self, address: &url::Url) -> (u16, Vec<(String, String)>, String) {
        let port = address.port_or_known_default().expect("a port");
        let mut stream = connect(port);
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), _)| *of == port)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let cookies =
            if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let path = &address[url::Position::BeforePath..url::Position::AfterQuery];
        let host = address.host_str().unwrap_or_default();
        // The older version of HTTP: the body ends with the connection.
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: text/html\r\n{cookies}\r\n");
        stream.write_all(request.as_bytes()).expect("the request can be sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the answer can be read");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, page) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        for (_, value) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = value.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert((port, name.trim().to_owned()), value.trim().to_owned());
            }
        }
        (status, headers, page.to_owned())
    }
}

/// `localhost` may be either.
fn connect(port: u16) -> TcpStream {
    let addresses =
        [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    TcpStream::connect(&addresses[..]).expect("the server can be reached")
}
