//! The reply to `cons`: a line for each connection.

use crate::domain::connection::Connection;
use crate::domain::ids::{Millis, Timestamp};

/// What a line tells in brackets behind the address: `(queued=0,recved=3,sent=3,sid=0x1,...)`.
pub(super) fn parse(text: &str) -> Vec<Connection> {
    text.lines().filter_map(line).collect()
}

/// ` /127.0.0.1:33124[1](queued=0,recved=25,sent=25,sid=0x100,lop=PING,est=1796077895690,to=6000,...,maxlat=5)`.
fn line(text: &str) -> Option<Connection> {
    let (address, rest) = text.trim().rsplit_once('[')?;
    let fields = rest.split_once('(')?.1.trim_end().strip_suffix(')')?;
    let mut one = Connection { address: address.trim_start_matches('/').to_owned(), ..Connection::default() };
    for (name, value) in fields.split(',').filter_map(|field| field.split_once('=')) {
        let number = || value.parse::<u64>().ok();
        match name {
            "queued" => one.queued = number()?,
            "recved" => one.received = number()?,
            "sent" => one.sent = number()?,
            "sid" => one.session = u64::from_str_radix(value.trim_start_matches("0x"), 16).ok(),
            "lop" => one.last = (value != "NA").then(|| value.to_owned()),
            "est" => one.since = number().map(Timestamp),
            "to" => one.timeout = number().map(Millis),
            "avglat" => one.latency_avg_ms = number(),
            "maxlat" => one.latency_max_ms = number(),
            _ => {}
        }
    }
    Some(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_read_with_what_the_server_tells_of_it() {
        let text = " /127.0.0.1:33124[1](queued=2,recved=25,sent=24,sid=0x1000a,lop=PING,est=1796077895690,to=6000,\
                    lcxid=0x5,lzxid=0x1,lresp=1,llat=0,minlat=0,avglat=1,maxlat=5)\n \
                    /0:0:0:0:0:0:0:1:51234[0](queued=0,recved=1,sent=0)\n\n";
        let all = parse(text);
        let whole = Connection {
            address: "127.0.0.1:33124".into(),
            session: Some(0x1000a),
            since: Some(Timestamp(1_796_077_895_690)),
            timeout: Some(Millis(6000)),
            queued: 2,
            received: 25,
            sent: 24,
            latency_avg_ms: Some(1),
            latency_max_ms: Some(5),
            last: Some("PING".into()),
        };
        assert_eq!(all[0], whole);
        let bare = Connection { address: "0:0:0:0:0:0:0:1:51234".into(), received: 1, ..Connection::default() };
        assert_eq!((&all[1], all.len()), (&bare, 2));
    }

    #[test]
    fn what_is_no_connection_is_left_out() {
        for text in
            ["", "\n", "cons is not executed because it is not in the whitelist.\n", "a[b](", "/x:1[1](queued=-1)"]
        {
            assert_eq!(parse(text), [], "{text:?}");
        }
    }
}
