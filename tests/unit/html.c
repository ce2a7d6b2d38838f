/* HTML as mail has it. */
#include "same.h"
#include "header.h"
#include "html.h"
#include "json.h"

static void is(const char *in, const char *want)
{
	struct buf out = { 0 };
	char *exact = exactly(in, strlen(in));

	html_text(exact, strlen(in), 1u << 20, &out);
	check_same(in, &out, want);
	free(exact);
}

static void many(const char *piece, size_t n)
{
	struct buf in = { 0 }, out = { 0 };

	while (in.len < n)
		buf_str(&in, piece);
	html_text(in.p, in.len, 1u << 20, &out);
	CHECK(!out.failed && out.len <= 1u << 20 && utf8_valid(buf_cstr(&out), out.len));
	buf_free(&in);
	buf_free(&out);
}

static void cut(void)
{
	for (size_t max = 0; max < 12; max++) {
		struct buf out = { 0 };

		html_text("<p>\xc3\xbc\xe2\x82\xac<br>\xf0\x9f\x98\x80x", 18, max, &out);
		CHECK(out.len <= max && utf8_valid(buf_cstr(&out), out.len));
		buf_free(&out);
	}
}

int main(void)
{
	is("", "");
	is("plain\ntext", "plain text");
	is("<p>one</p><p>two</p>", "one\n\ntwo");
	is("<div>one</div><div>two</div>", "one\ntwo");
	is("a<br>b<br/><br>c", "a\nb\n\nc");
	is("a<b>b</b>c <i> d</i>", "abc d");
	is("<html><head><title>t</title><style>x{}</style></head><body>b<script>if(a<b)</script></body>", "b");
	is("a<!-- <p> -->b<!--[if mso]>x<![endif]-->c<!-->d", "abcd");
	is("<ul><li>one<li>two</ul>after", "* one\n* two\n\nafter");
	is("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc");
	is("<blockquote>q<br>r<blockquote>s</blockquote></blockquote>t", "> q\n> r\n\n> > s\n\nt");
	is("<pre>a\n  b</pre>", "a\n  b");
	is("a<hr>b", "a\n---\nb");
	is("<img alt=\"Logo &amp; more\" src=x>", "Logo & more");
	is("<a href=\"https://x.example/a?b=1&amp;c=2\">here</a>.", "here <https://x.example/a?b=1&c=2>.");
	is("<a href='http://x.example/'>x.example</a>", "x.example");
	is("<a href=mailto:a@b>a@b</a>", "a@b");
	is("<a href=\"javascript:x()\">js</a> <a href=\"#top\">top</a> <a name=x>n</a>", "js top n");
	is("<a href=\"http://x\"><img src=y></a>z", "z");
	is("&lt;&gt;&amp;&quot;&apos;&nbsp;&eacute;&euro;&#233;&#xE9;&#128;&#0;&#xd800;", "<>&\"' é€éé€��");
	is("&bogus; &amp &lt;b&gt; &copy &#; &", "&bogus; & <b> &copy &#; &");
	is("1 < 2 <3 <", "1 < 2 <3 <");
	is("soft\xc2\xad" "hyphen\xe2\x80\x8b zero", "softhyphen zero");
	is("<p title=\"a > b\">x", "x");
	is("<a href=\"no end>text</a>", "text");
	is("<title>no end", "no end");
	is("x<script>no end", "x");
	is("x<!-- no end", "x");
	is("ctrl \x01\x1b[1m\x7f", "ctrl [1m");
	cut();
	many("<", 300000);
	many("<a href=\"", 300000);
	many("<a href='x' b=\"", 300000);
	many("<!-", 300000);
	many("<title>", 300000);
	many("</", 300000);
	many("&", 300000);
	many("&#", 300000);
	many("<blockquote>", 300000);
	many("<a href=http://x>", 300000);
	many("<a href=http://x>x</a>", 300000);
	many("<img alt='", 300000);
	many("<pre>\n", 300000);
	return CHECK_DONE();
}
