-- The page that the link of a password reset leads to where public_url is set.

CREATE OR REPLACE FUNCTION wazo_auth.rest_password_reset_form_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $page$
DECLARE
  -- It asks the route beside its own, with the token of its own address.
  v_script text := $$
document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = new URLSearchParams(location.search);
  const answer = await fetch("../reset?" + new URLSearchParams({user_uuid: query.get("user_uuid")}), {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-Auth-Token": query.get("token")},
    body: JSON.stringify({password: event.target.elements.password.value})
  }).catch(() => ({status: 503}));
  document.querySelector("p").textContent =
    answer.status === 204 ? "Your new password is set." :
    answer.status === 401 ? "This link does not work any more. Please ask for a new one." :
    "That did not work. Please try again later.";
});
$$;
BEGIN
  RETURN (200, ARRAY[
    'Content-Type', 'text/html; charset=utf-8',
    'Cache-Control', 'no-store',
    -- The address of the page has the token in it.
    'Referrer-Policy', 'no-referrer',
    'X-Content-Type-Options', 'nosniff',
    'Content-Security-Policy', format(
      'default-src ''none''; connect-src ''self''; form-action ''none''; frame-ancestors ''none''; '
      'base-uri ''none''; script-src ''sha256-%s''',
      encode(sha256(convert_to(v_script, 'UTF8')), 'base64'))],
    convert_to(format($$<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>New password</title></head>
<body>
<form>
<label>New password <input name="password" type="password" autocomplete="new-password" required autofocus></label>
<button>Set</button>
</form>
<p role="status"></p>
<script>%s</script>
</body>
</html>
$$, v_script), 'UTF8'))::wazo_auth.http_response;
END
$page$;
COMMENT ON FUNCTION wazo_auth.rest_password_reset_form_get(wazo_auth.http_request) IS
'GET /users/password/reset/form: a page that asks for the new password; the same for everybody, and good for nothing '
'without the link of a mail.';
SELECT wazo_auth.add_route('GET', '/0.1/users/password/reset/form', 'wazo_auth.rest_password_reset_form_get',
  'password_reset',
  public => true, summary => 'A page on which to choose a new password, with the link of a mail');
