#!/usr/bin/env python3
"""A mail server for tests: python3 smtp_server.py PORT DIRECTORY [--tls CERT KEY] [--auth USER PASSWORD]

Writes each mail that it has taken as a line of JSON to DIRECTORY/mails: sender,
recipient, text, tls, auth. DIRECTORY/mode, if there, says what it does with the
next ones: "refuse" (550 at RCPT), "later" (451 after the text), "held" (takes
the mail, writes it down, and answers once it says something else).

SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import asyncio
import json
import os
import signal
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument('port', type=int)
parser.add_argument('directory')
parser.add_argument('--tls', nargs=2)
parser.add_argument('--auth', nargs=2)
args = parser.parse_args()


def mode():
    try:
        with open(os.path.join(args.directory, 'mode')) as f:
            return f.read().strip()
    except FileNotFoundError:
        return ''


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode() == 'refuse':
            return '550 nobody of that name'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        if mode() == 'later':
            return '451 try again later'
        line = json.dumps({
            'sender': envelope.mail_from, 'recipient': ' '.join(envelope.rcpt_tos),
            'text': envelope.original_content.decode(), 'tls': session.ssl is not None,
            'auth': bool(session.authenticated)})
        with open(os.path.join(args.directory, 'mails'), 'a') as f:
            f.write(line + '\n')
        while mode() == 'held':
            await asyncio.sleep(0.02)
        return '250 taken'


def authenticate(server, session, envelope, mechanism, data):
    # not handled: the refusal is for the server to say
    return AuthResult(success=[data.login.decode(), data.password.decode()] == args.auth, handled=False)


def protocol():
    options = {'enable_SMTPUTF8': True, 'hostname': 'mail.example.com'}
    if args.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*args.tls)
        options.update(tls_context=context, require_starttls=True)
    if args.auth:
        options.update(authenticator=authenticate, auth_required=True, auth_require_tls=bool(args.tls))
    return SMTP(Handler(), **options)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, '127.0.0.1', args.port)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()

asyncio.run(main())
