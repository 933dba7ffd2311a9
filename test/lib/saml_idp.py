#!/usr/bin/python3
"""An identity provider for tests: pysaml2 and xmlsec1.

usage: saml_idp.py FOLDER; a line of its input is ["step", {arguments}], and a
line of its output the result, or {"refused": why}.

FOLDER has idp.key, idp.pem and settings.json (entity_id, url, bindings), and sp.xml, the
service provider's metadata, for all steps but "metadata". A message that came
is {"location": url} or {"form": {field: value}}; its signature must verify.

SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import functools
import json
import os
import sys
import traceback
from urllib.parse import parse_qs, urlsplit

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.attribute_converter import AttributeConverter
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import pre_encryption_part, verify_redirect_signature
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

BINDINGS = {'redirect': BINDING_HTTP_REDIRECT, 'post': BINDING_HTTP_POST}
CIPHERS = {
    'gcm': ('http://www.w3.org/2009/xmlenc11#aes256-gcm', 'aes-256'),
    'cbc': ('http://www.w3.org/2001/04/xmlenc#aes256-cbc', 'aes-256'),
    '3des': ('http://www.w3.org/2001/04/xmlenc#tripledes-cbc', 'des-192'),
}
SIGNED = {'sign_alg': SIG_RSA_SHA256, 'digest_alg': DIGEST_SHA256}
UNSPECIFIED = 'urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified'


def configuration(folder, with_sp):
    with open(os.path.join(folder, 'settings.json')) as settings_file:
        settings = json.load(settings_file)
    url = settings['url']
    bindings = [BINDINGS[b] for b in settings.get('bindings') or BINDINGS]
    services = {
        'single_sign_on_service': [(url + '/sso', b) for b in bindings],
        'single_logout_service': [(url + '/slo', b) for b in bindings],
    }
    conf = {
        'entityid': settings['entity_id'],
        'xmlsec_binary': '/usr/bin/xmlsec1',
        'key_file': os.path.join(folder, 'idp.key'),
        'cert_file': os.path.join(folder, 'idp.pem'),
        'signing_algorithm': SIG_RSA_SHA256,
        'digest_algorithm': DIGEST_SHA256,
        'service': {'idp': {
            'endpoints': services,
            'want_authn_requests_signed': True,
            'logout_requests_signed': True,
            'policy': {'default': {'name_form': UNSPECIFIED}},
            'subject_data': os.path.join(folder, 'subjects'),
        }},
    }
    if with_sp:
        conf['metadata'] = {'local': [os.path.join(folder, 'sp.xml')]}
    return IdPConfig().load(conf)


class Idp:
    def __init__(self, folder):
        self.server = Server(config=configuration(folder, True))
        self.sp = list(self.server.metadata.keys())[0]

    def received(self, message, parameter):
        """(value, binding, RelayState) of a message; a query string's signature is verified here."""
        if 'form' in message:
            form = message['form']
            return form[parameter], BINDING_HTTP_POST, form.get('RelayState')
        query = {k: v[0] for k, v in parse_qs(urlsplit(message['location']).query).items()}
        # pairs of a name and a certificate from pysaml2 7.5 on
        certificates = [c[-1] if isinstance(c, tuple) else c
                        for c in self.server.metadata.certs(self.sp, 'any', 'signing')]
        known = {k: query[k] for k in (parameter, 'RelayState', 'SigAlg', 'Signature') if k in query}
        if not any(verify_redirect_signature(dict(known), self.server.sec.sec_backend, c) for c in certificates):
            raise ValueError('the signature of the query string is not good')
        return query[parameter], BINDING_HTTP_REDIRECT, query.get('RelayState')

    def answer(self, message, attributes=None, name_id='subject-1', sign='response', encrypt=None,
               in_response_to=None, destination=None, sp_entity_id=None):
        """The form to be posted after a login. sign: response, assertion, both or none; encrypt: gcm, cbc or 3des."""
        value, binding, relay_state = self.received(message, 'SAMLRequest')
        request = self.parsed(self.server.parse_authn_request, value, binding)
        saml2.entity.pre_encryption_part = pre_encryption_part
        if encrypt:
            cipher, session_key = CIPHERS[encrypt]
            saml2.entity.pre_encryption_part = functools.partial(pre_encryption_part, msg_enc=cipher)
            security = self.server.sec
            security.encrypt_assertion = functools.partial(security.encrypt_assertion, key_type=session_key)
        self.server.config.attribute_converters = [names_as_they_are(attributes or {})]
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, sp_name_qualifier=self.sp, text=name_id)
        response = self.server.create_authn_response(
            attributes or {}, in_response_to or request.message.id,
            destination or request.message.assertion_consumer_service_url, sp_entity_id or self.sp,
            name_id=name, userid='subject', sign_response=sign in ('response', 'both'),
            sign_assertion=sign in ('assertion', 'both'), encrypt_assertion=bool(encrypt),
            authn={'class_ref': 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password', 'authn_auth': 'idp'},
            **SIGNED)
        return {'url': request.message.assertion_consumer_service_url, 'id': request.message.id,
                'form': form('SAMLResponse', str(response), relay_state)}

    def parsed(self, parse, value, binding):
        """What pysaml2 makes of a message. In a query string there is no signature within, so none is asked for."""
        must = binding == BINDING_HTTP_POST
        self.server.config.setattr('idp', 'want_authn_requests_signed', must)
        request = parse(value, binding)
        if request is None or (must and not request.message.signature):
            raise ValueError('not a signed message')
        return request

    def logout_request(self, name_id, sessions=(), binding='redirect', destination=None, relay_state=''):
        """A LogoutRequest of the provider itself."""
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, sp_name_qualifier=self.sp, text=name_id)
        id_, request = self.server.create_logout_request(
            destination, self.server.config.entityid, name_id=name, session_indexes=list(sessions),
            sign=binding == 'post', **SIGNED)
        return {'id': id_, **self.sent(binding, str(request), destination, relay_state, False)}

    def logout_answer(self, message, binding='redirect', destination=None, success=True):
        """The answer to a LogoutRequest of ours."""
        value, came_by, relay_state = self.received(message, 'SAMLRequest')
        request = self.parsed(self.server.parse_logout_request, value, came_by)
        status = None if success else saml2.s_utils.error_status_factory(saml2.s_utils.RequestVersionTooHigh('no'))
        response = self.server.create_logout_response(
            request.message, [BINDINGS[binding]], status, sign=binding == 'post', **SIGNED)
        destination = destination or response.destination
        sent = self.sent(binding, str(response), destination, relay_state, True)
        return {'name_id': request.message.name_id.text,
                'sessions': [s.text for s in request.message.session_index], **sent}

    def logout_answered(self, message):
        """Reads our answer to logout_request: {"in_response_to", "success"}."""
        value, binding, _ = self.received(message, 'SAMLResponse')
        xml = self.server.unravel(value, binding, 'SAMLResponse')
        response = saml2.samlp.logout_response_from_string(xml)
        if binding == BINDING_HTTP_POST:
            self.server.sec.correctly_signed_logout_response(xml.decode() if isinstance(xml, bytes) else xml, must=True)
        return {'in_response_to': response.in_response_to,
                'success': response.status.status_code.value == saml2.samlp.STATUS_SUCCESS}

    def sent(self, binding, xml, destination, relay_state, is_response):
        """A message as its binding has it: {"location"} or {"url", "form"}."""
        parameter = 'SAMLResponse' if is_response else 'SAMLRequest'
        if binding == 'post':
            return {'url': destination, 'form': form(parameter, xml, relay_state)}
        info = self.server.apply_binding(BINDING_HTTP_REDIRECT, xml, destination, relay_state or '',
                                         response=is_response, sign=True, sigalg=SIG_RSA_SHA256)
        return {'location': dict(info['headers'])['Location']}


def names_as_they_are(attributes):
    """Attributes' names are sent as they are given, without a format, as Microsoft's providers do."""
    converter = AttributeConverter(UNSPECIFIED)
    converter._to = {name.lower(): name for name in attributes}
    converter._fro = dict(converter._to)
    return converter


def form(parameter, xml, relay_state):
    return {parameter: base64.b64encode(xml.encode()).decode(), **({'RelayState': relay_state} if relay_state else {})}


def done(folder, step, arguments):
    if step == 'metadata':
        return {'metadata': str(entity_descriptor(configuration(folder, False)))}
    return getattr(Idp(folder), step)(**arguments)


def main():
    for line in sys.stdin:
        try:
            result = done(sys.argv[1], *json.loads(line))
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            result = {'refused': '%s: %s (%s, line %d)' % (type(error).__name__, error, at.filename, at.lineno)}
        print(json.dumps(result), flush=True)


if __name__ == '__main__':
    main()
