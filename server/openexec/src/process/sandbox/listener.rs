//! The task's end of its gateway: a socket that listens inside its network namespace, and is
//! handed to the server, which serves it from outside.

use super::{Refused, Step as _};
use crate::process::spec::{LISTENER, SandboxSpec};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

/// Variables by which programs are told of a proxy. Some read only one of the two spellings.
const NAMING: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
/// And of what is reached without it.
const EXCEPTING: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Opens the gateway, if the task shall have one: its listener goes to the server, and its
/// address into the environment of the task.
pub(super) fn opened(spec: &SandboxSpec, channel: &UnixStream) -> Result<Option<SandboxSpec>, Refused> {
    let Some(gateway) = spec.gateway else { return Ok(None) };
    let step = || "open the gateway of the task".to_owned();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).step(step)?;
    let address = format!("http://{}", listener.local_addr().step(step)?);
    hand_over(&listener, channel).step(step)?;
    let mut spec = spec.clone();
    spec.env.extend(NAMING.map(|name| (name.to_owned(), address.clone())));
    if !gateway.for_loopback {
        spec.env.extend(EXCEPTING.map(|name| (name.to_owned(), "localhost,127.0.0.1,::1".to_owned())));
    }
    Ok(Some(spec))
}

fn hand_over(listener: &TcpListener, channel: &UnixStream) -> rustix::io::Result<()> {
    let descriptors = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(channel, &[IoSlice::new(&[LISTENER])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}
