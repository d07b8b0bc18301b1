namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>
/// The expressions of <c>get_all_records_where</c>: <c>true</c>, <c>false</c>, <c>field "name" = "value"</c>, <c>not</c>, <c>and</c>, <c>or</c>
/// and parentheses; values compare as text.
/// </summary>
internal static class Query
{
    /// <exception cref="ApiFailure">INVALID_VALUE [expression, reason] for what is no expression.</exception>
    public static Func<Func<string, object?>, bool> Parse(string expression)
    {
        Parser parser = new(expression);
        Func<Func<string, object?>, bool> condition = parser.Or();
        parser.End();
        return condition;
    }

    private sealed class Parser(string text)
    {
        /// <summary>Conditions in one expression; more than anybody writes, and few enough for the stack that evaluates them.</summary>
        private const int Limit = 1000;

        private int _at;
        private int _conditions;

        public Func<Func<string, object?>, bool> Or()
        {
            Func<Func<string, object?>, bool> left = And();
            while (TakeWord("or"))
            {
                Func<Func<string, object?>, bool> first = left, second = And();
                left = record => first(record) || second(record);
            }

            return left;
        }

        public void End()
        {
            SkipSpace();
            if (_at < text.Length)
            {
                throw Bad($"unexpected text at {_at}");
            }
        }

        private Func<Func<string, object?>, bool> And()
        {
            Func<Func<string, object?>, bool> left = Not();
            while (TakeWord("and"))
            {
                Func<Func<string, object?>, bool> first = left, second = Not();
                left = record => first(record) && second(record);
            }

            return left;
        }

        private Func<Func<string, object?>, bool> Not()
        {
            if (++_conditions > Limit)
            {
                throw Bad($"more than {Limit} conditions");
            }

            if (!TakeWord("not"))
            {
                return Primary();
            }

            Func<Func<string, object?>, bool> inner = Not();
            return record => !inner(record);
        }

        private Func<Func<string, object?>, bool> Primary()
        {
            if (TakeSign('('))
            {
                Func<Func<string, object?>, bool> inner = Or();
                return TakeSign(')') ? inner : throw Bad("a closing parenthesis is missing");
            }

            if (TakeWord("true"))
            {
                return _ => true;
            }

            if (TakeWord("false"))
            {
                return _ => false;
            }

            if (!TakeWord("field"))
            {
                throw Bad($"a condition was expected at {_at}");
            }

            // xapi's column names double the underscores of wire names.
            string name = Quoted().Replace("__", "_", StringComparison.Ordinal);
            if (!TakeSign('='))
            {
                throw Bad("= was expected");
            }

            string wanted = Quoted();
            return record => record(name) is { } value ? Values.Text(value) == wanted : throw Bad($"there is no field {name}");
        }

        private string Quoted()
        {
            SkipSpace();
            char quote = _at < text.Length ? text[_at] : '\0';
            int end = quote is '"' or '\'' ? text.IndexOf(quote, _at + 1) : -1;
            if (end < 0)
            {
                throw Bad($"a quoted text was expected at {_at}");
            }

            string quoted = text[(_at + 1)..end];
            _at = end + 1;
            return quoted;
        }

        private bool TakeWord(string word)
        {
            SkipSpace();
            int end = _at + word.Length;
            if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0 || (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_')))
            {
                return false;
            }

            _at = end;
            return true;
        }

        private bool TakeSign(char sign)
        {
            SkipSpace();
            if (_at >= text.Length || text[_at] != sign)
            {
                return false;
            }

            _at++;
            return true;
        }

        private void SkipSpace()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            {
                _at++;
            }
        }

        private ApiFailure Bad(string reason) => ApiFailure.InvalidValue(text, reason);
    }
}
