-- JSON as Python's json.dumps() writes it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;
SET standard_conforming_strings = on;

-- separators; order of keys, doubled keys, numbers as written
SELECT wazo_auth.json_ascii('{"b":1,"a":[1,2.50,-0,1e5,1E+5],"b":{},"":[],"n":null,"t":true,"f":false}');
SELECT wazo_auth.json_ascii(e' \t\n[ [ ] , { } , [ [ 1 ] , "," , "[" , "{" , "]" ] ] ');
SELECT j, wazo_auth.json_ascii(j)
  FROM unnest(ARRAY['1', '"x"', 'null', 'true', '[]', '{}', '[{}]', '{"a":{"b":[]}}']::json[]) AS j;

-- the whole of ASCII and one character beyond each border of UTF-8
SELECT wazo_auth.json_ascii(to_json(string_agg(chr(i), '' ORDER BY i))) FROM generate_series(1, 127) AS i;
SELECT wazo_auth.json_ascii(to_json(string_agg(chr(i), '' ORDER BY i)))
  FROM unnest(ARRAY[128, 233, 2047, 2048, 8364, 55295, 57344, 65535, 65536, 128512, 1114111]) AS i;
-- escapes of the input come out in one form
SELECT wazo_auth.json_ascii('"\u00E9\/\"\\\b\f\n\r\t\u001f\u007F\uD83D\uDE00"');
SELECT wazo_auth.json_ascii('{"cl\u00e9":"\u00e9","日本":{"é":["é"]}}');

-- what is in that form stays as it is, and what is escaped in any other way does not
SELECT count(*) AS texts, count(*) FILTER (WHERE wazo_auth.json_ascii(wazo_auth.json_ascii(j)::json) = wazo_auth.json_ascii(j)) AS same
  FROM (SELECT to_json(repeat('x', n % 19) || chr(n) || repeat('y', n % 5) || chr(n + 1) || '"\\') AS j
          FROM generate_series(1, 130000, 7) AS n WHERE n NOT BETWEEN 55294 AND 57343) AS t;
SELECT j, wazo_auth.json_ascii(j::json)
  FROM unnest(ARRAY['"1234567\u0041"', '"1234567\u00E9"', '"\u00e9"', '"\u0009"', '"\u000a\u0022\u005c"', '"\u001f\u007f"', '"\/"', '"\uD83D\ude00"', '"\ud83d\ude00"',
                    '"12345678\""', '"12345678é"', '"1234567é"', '["a","b"]', '{"a": 1,"b": 2}', '[ 1]', '"a, b:c"']) AS j;

-- what cannot be written
SELECT wazo_auth.json_ascii('"\u0000"');
SELECT wazo_auth.json_ascii('["\ud800"]');
SELECT wazo_auth.json_ascii(NULL) IS NULL AS null_in_null_out;

-- deep nesting ends in an error of its own or in the same depth
SELECT wazo_auth.json_ascii((repeat('[', 1000) || repeat(']', 1000))::json) = repeat('[', 1000) || repeat(']', 1000) AS deep;

-- it is read back as what it was
SELECT count(*) AS documents, count(*) FILTER (WHERE wazo_auth.json_ascii(j)::jsonb = j::jsonb) AS same,
       count(*) FILTER (WHERE wazo_auth.json_ascii(j) ~ '^[ -~]*$') AS ascii
  FROM (SELECT json_build_object(chr(i), repeat(chr(i + 1), i % 7), 'list', ARRAY[i, -i], 'deep', json_build_array(json_build_object(chr(i), NULL))) AS j
          FROM generate_series(1, 66000, 13) AS i WHERE i NOT BETWEEN 55294 AND 57343) AS t;
