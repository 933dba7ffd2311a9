CREATE FUNCTION wazo_auth.seal(plaintext text, context text) RETURNS bytea LANGUAGE sql AS $$ SELECT convert_to(plaintext,'UTF8') $$;
CREATE FUNCTION wazo_auth.unseal(sealed bytea, context text) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(sealed,'UTF8') $$;
