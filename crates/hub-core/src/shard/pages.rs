//! Commands that read a page: history, and who is present.

use super::Shard;
use super::commands::failure;
use super::session::{PAGE_WEIGHT, may};
use super::table::Key;
use super::work::Pending;
use crate::contract::{Effect, Fault, Page, PageLimit, PresencePage};
use crate::host::Host;
use tidewire_hub_proto::command::HistoryPage;
use tidewire_hub_proto::{Channel, Command, CommandId, ErrorCode, Reply};

impl<H: Host> Shard<H> {
    pub(super) fn history(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        page: HistoryPage,
        limit: u32,
        host: &mut H,
    ) {
        let Some(namespace) = self.namespace(session, &id, &channel, host) else {
            return;
        };
        let Some(known) = self.sessions.get(session) else {
            return;
        };
        if !may(namespace.subscribe, &known.origin, &channel) {
            let message = format!("this session may not read {channel}");
            self.answer(
                session,
                id,
                Reply::error(ErrorCode::Forbidden, message),
                host,
            );
            return;
        }
        self.begin(session, PAGE_WEIGHT);
        let limit = PageLimit {
            records: limit.clamp(1, Command::MAX_LIMIT) as usize,
            bytes: self.settings.limits.page_bytes,
        };
        let pending = Pending::History {
            session,
            id,
            channel: channel.clone(),
        };
        let effect = match page {
            HistoryPage::Newest => Effect::ReadBack {
                channel,
                before: None,
                limit,
            },
            HistoryPage::Before(before) => Effect::ReadBack {
                channel,
                before: Some(before),
                limit,
            },
            HistoryPage::After(after) => Effect::Read {
                channel,
                after,
                limit,
            },
        };
        self.submit(pending, effect, host);
    }

    pub(super) fn history_read(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        page: Result<Page, Fault>,
        host: &mut H,
    ) {
        let reply = match page {
            Ok(Page {
                mut records,
                head,
                more,
            }) => {
                if let Some(known) = self.sessions.get(session) {
                    // A key is its publisher's affair.
                    for record in &mut records {
                        record.key = record
                            .key
                            .take()
                            .filter(|_| known.origin.is_same(&record.from));
                    }
                }
                Reply::History {
                    channel,
                    messages: records,
                    pos: head,
                    more,
                }
            }
            Err(fault) => failure(&fault),
        };
        self.answer_pending(session, id, PAGE_WEIGHT, reply, host);
    }

    pub(super) fn presence(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        after: Option<Box<str>>,
        limit: u32,
        host: &mut H,
    ) {
        let Some(namespace) = self.namespace(session, &id, &channel, host) else {
            return;
        };
        let Some(known) = self.sessions.get(session) else {
            return;
        };
        if !may(namespace.presence, &known.origin, &channel) {
            let message = format!("this session may not see who is in {channel}");
            self.answer(
                session,
                id,
                Reply::error(ErrorCode::Forbidden, message),
                host,
            );
            return;
        }
        self.begin(session, PAGE_WEIGHT);
        let limit = limit.clamp(1, Command::MAX_LIMIT) as usize;
        let pending = Pending::Presence {
            session,
            id,
            channel: channel.clone(),
        };
        self.submit(
            pending,
            Effect::Members {
                channel,
                after,
                limit,
            },
            host,
        );
    }

    pub(super) fn presence_read(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        page: Result<PresencePage, Fault>,
        host: &mut H,
    ) {
        let reply = match page {
            Ok(PresencePage {
                v,
                members,
                total,
                more,
            }) => Reply::Presence {
                channel,
                v,
                members,
                total,
                more,
            },
            Err(fault) => failure(&fault),
        };
        self.answer_pending(session, id, PAGE_WEIGHT, reply, host);
    }
}
