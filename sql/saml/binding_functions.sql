-- How our messages reach an identity provider: by redirect or, where it takes them so only, by a page that posts them.

CREATE OR REPLACE FUNCTION wazo_auth.saml_url_beside(acs_url text, name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN substring(acs_url FROM '^(.*/saml/)acs$') || name;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_url_beside(text, text) IS
'Address of another page of ours beside an acs_url, as browsers reach it; null when that does not end with /saml/acs.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_sls_url(config wazo_auth.saml_config) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_url_beside(config.acs_url, 'sls');
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_sls_url(wazo_auth.saml_config) IS
'Where messages about logouts come to, /saml/sls beside the acs_url; null when there is nothing beside it.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_address(
  idp jsonb, acs_url text, service text, OUT binding text, OUT address text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- An answer may have an address of its own.
  v_name text := split_part(service, '_', 1);
  v_suffix text := substr(service, length(v_name) + 1);
  v_binding text;
BEGIN
  FOREACH v_binding IN ARRAY ARRAY['redirect', 'post'] LOOP
    EXIT WHEN v_binding = 'post' AND wazo_auth.saml_url_beside(acs_url, 'post') IS NULL;
    address := COALESCE(idp -> (v_name || '_' || v_binding || v_suffix) ->> 0,
                        idp -> (v_name || '_' || v_binding) ->> 0);
    IF address IS NOT NULL THEN
      binding := v_binding;
      RETURN;
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_address(jsonb, text, text) IS
'Where an identity provider takes our messages to a service, sso, slo or slo_response, and by which binding: redirect '
'or, where it has no such address and we have a page beside the acs_url, post. Both null where there is no way.';

CREATE OR REPLACE FUNCTION wazo_auth.html_text(content text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN replace(replace(replace(replace(replace(
    content, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
END
$$;
COMMENT ON FUNCTION wazo_auth.html_text(text) IS 'Text as it stands in HTML, in quotes or out of them.';

CREATE OR REPLACE FUNCTION wazo_auth.posting_page(address text, fields jsonb) RETURNS wazo_auth.http_response
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $page$
DECLARE
  v_script text := 'document.forms[0].submit();';
  v_inputs text;
BEGIN
  SELECT string_agg(format('<input type="hidden" name="%s" value="%s">',
                           wazo_auth.html_text(f.key), wazo_auth.html_text(f.value)), E'\n' ORDER BY f.key)
  INTO v_inputs
  FROM jsonb_each_text(fields) f;
  RETURN (200, ARRAY[
    'Content-Type', 'text/html; charset=utf-8',
    'Cache-Control', 'no-store',
    'Referrer-Policy', 'no-referrer',
    'X-Content-Type-Options', 'nosniff',
    -- No form-action: browsers apply it to where the identity provider redirects to as well, which only that knows.
    'Content-Security-Policy', format(
      'default-src ''none''; frame-ancestors ''none''; base-uri ''none''; script-src ''sha256-%s''',
      encode(sha256(convert_to(v_script, 'UTF8')), 'base64'))],
    convert_to(format($$<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>One moment</title></head>
<body>
<form method="post" action="%s">
%s
<noscript><button>Continue</button></noscript>
</form>
<script>%s</script>
</body>
</html>
$$, wazo_auth.html_text(address), v_inputs, v_script), 'UTF8'))::wazo_auth.http_response;
END
$page$;
COMMENT ON FUNCTION wazo_auth.posting_page(text, jsonb) IS
'A page that posts these fields to an address as soon as a browser shows it.';
