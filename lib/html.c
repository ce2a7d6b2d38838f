/*
 * html.c - readable text from HTML.
 *
 * One pass over the bytes; unclosed things (quotes, comments, scripts) are looked for once. No tree is
 * built: a few counters say where we are (quote depth, preformatted, inside a link).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "html.h"

#define TAG_MAX_BYTES	16	/* of a tag's name; longer ones are unknown */
#define LINK_MAX_BYTES	1000	/* a longer URL is left out */
#define QUOTE_MAX_DEPTH	9	/* "> " per blockquote */
#define NEWLINES_MAX	2	/* in a row: one empty line */

struct html {
	const char *p, *end;
	struct buf *out;
	size_t start;
	int newlines;			/* waiting to be written before the next text */
	bool blank;			/* a blank waits */
	bool line_start;
	bool bullet;
	int quote, pre;
	bool no_double, no_single, no_title;	/* no more such thing in the rest */
	struct buf link;		/* the URL of the <a> that is open */
	size_t link_text;		/* where its text begins in out */
	bool in_link;
};

/* HTML 4.01, 24, and "apos": sorted by name. */
static const struct entity { const char *name; unsigned cp; } entities[] = {
	{ "AElig", 0xc6 }, { "Aacute", 0xc1 }, { "Acirc", 0xc2 }, { "Agrave", 0xc0 },
	{ "Alpha", 0x391 }, { "Aring", 0xc5 }, { "Atilde", 0xc3 }, { "Auml", 0xc4 },
	{ "Beta", 0x392 }, { "Ccedil", 0xc7 }, { "Chi", 0x3a7 }, { "Dagger", 0x2021 },
	{ "Delta", 0x394 }, { "ETH", 0xd0 }, { "Eacute", 0xc9 }, { "Ecirc", 0xca },
	{ "Egrave", 0xc8 }, { "Epsilon", 0x395 }, { "Eta", 0x397 }, { "Euml", 0xcb },
	{ "Gamma", 0x393 }, { "Iacute", 0xcd }, { "Icirc", 0xce }, { "Igrave", 0xcc },
	{ "Iota", 0x399 }, { "Iuml", 0xcf }, { "Kappa", 0x39a }, { "Lambda", 0x39b }, { "Mu", 0x39c },
	{ "Ntilde", 0xd1 }, { "Nu", 0x39d }, { "OElig", 0x152 }, { "Oacute", 0xd3 },
	{ "Ocirc", 0xd4 }, { "Ograve", 0xd2 }, { "Omega", 0x3a9 }, { "Omicron", 0x39f },
	{ "Oslash", 0xd8 }, { "Otilde", 0xd5 }, { "Ouml", 0xd6 }, { "Phi", 0x3a6 }, { "Pi", 0x3a0 },
	{ "Prime", 0x2033 }, { "Psi", 0x3a8 }, { "Rho", 0x3a1 }, { "Scaron", 0x160 },
	{ "Sigma", 0x3a3 }, { "THORN", 0xde }, { "Tau", 0x3a4 }, { "Theta", 0x398 },
	{ "Uacute", 0xda }, { "Ucirc", 0xdb }, { "Ugrave", 0xd9 }, { "Upsilon", 0x3a5 },
	{ "Uuml", 0xdc }, { "Xi", 0x39e }, { "Yacute", 0xdd }, { "Yuml", 0x178 }, { "Zeta", 0x396 },
	{ "aacute", 0xe1 }, { "acirc", 0xe2 }, { "acute", 0xb4 }, { "aelig", 0xe6 },
	{ "agrave", 0xe0 }, { "alefsym", 0x2135 }, { "alpha", 0x3b1 }, { "amp", 0x26 },
	{ "and", 0x2227 }, { "ang", 0x2220 }, { "apos", 0x27 }, { "aring", 0xe5 },
	{ "asymp", 0x2248 }, { "atilde", 0xe3 }, { "auml", 0xe4 }, { "bdquo", 0x201e },
	{ "beta", 0x3b2 }, { "brvbar", 0xa6 }, { "bull", 0x2022 }, { "cap", 0x2229 },
	{ "ccedil", 0xe7 }, { "cedil", 0xb8 }, { "cent", 0xa2 }, { "chi", 0x3c7 }, { "circ", 0x2c6 },
	{ "clubs", 0x2663 }, { "cong", 0x2245 }, { "copy", 0xa9 }, { "crarr", 0x21b5 },
	{ "cup", 0x222a }, { "curren", 0xa4 }, { "dArr", 0x21d3 }, { "dagger", 0x2020 },
	{ "darr", 0x2193 }, { "deg", 0xb0 }, { "delta", 0x3b4 }, { "diams", 0x2666 },
	{ "divide", 0xf7 }, { "eacute", 0xe9 }, { "ecirc", 0xea }, { "egrave", 0xe8 },
	{ "empty", 0x2205 }, { "emsp", 0x2003 }, { "ensp", 0x2002 }, { "epsilon", 0x3b5 },
	{ "equiv", 0x2261 }, { "eta", 0x3b7 }, { "eth", 0xf0 }, { "euml", 0xeb }, { "euro", 0x20ac },
	{ "exist", 0x2203 }, { "fnof", 0x192 }, { "forall", 0x2200 }, { "frac12", 0xbd },
	{ "frac14", 0xbc }, { "frac34", 0xbe }, { "frasl", 0x2044 }, { "gamma", 0x3b3 },
	{ "ge", 0x2265 }, { "gt", 0x3e }, { "hArr", 0x21d4 }, { "harr", 0x2194 },
	{ "hearts", 0x2665 }, { "hellip", 0x2026 }, { "iacute", 0xed }, { "icirc", 0xee },
	{ "iexcl", 0xa1 }, { "igrave", 0xec }, { "image", 0x2111 }, { "infin", 0x221e },
	{ "int", 0x222b }, { "iota", 0x3b9 }, { "iquest", 0xbf }, { "isin", 0x2208 },
	{ "iuml", 0xef }, { "kappa", 0x3ba }, { "lArr", 0x21d0 }, { "lambda", 0x3bb },
	{ "lang", 0x2329 }, { "laquo", 0xab }, { "larr", 0x2190 }, { "lceil", 0x2308 },
	{ "ldquo", 0x201c }, { "le", 0x2264 }, { "lfloor", 0x230a }, { "lowast", 0x2217 },
	{ "loz", 0x25ca }, { "lrm", 0x200e }, { "lsaquo", 0x2039 }, { "lsquo", 0x2018 },
	{ "lt", 0x3c }, { "macr", 0xaf }, { "mdash", 0x2014 }, { "micro", 0xb5 }, { "middot", 0xb7 },
	{ "minus", 0x2212 }, { "mu", 0x3bc }, { "nabla", 0x2207 }, { "nbsp", 0xa0 },
	{ "ndash", 0x2013 }, { "ne", 0x2260 }, { "ni", 0x220b }, { "not", 0xac }, { "notin", 0x2209 },
	{ "nsub", 0x2284 }, { "ntilde", 0xf1 }, { "nu", 0x3bd }, { "oacute", 0xf3 },
	{ "ocirc", 0xf4 }, { "oelig", 0x153 }, { "ograve", 0xf2 }, { "oline", 0x203e },
	{ "omega", 0x3c9 }, { "omicron", 0x3bf }, { "oplus", 0x2295 }, { "or", 0x2228 },
	{ "ordf", 0xaa }, { "ordm", 0xba }, { "oslash", 0xf8 }, { "otilde", 0xf5 },
	{ "otimes", 0x2297 }, { "ouml", 0xf6 }, { "para", 0xb6 }, { "part", 0x2202 },
	{ "permil", 0x2030 }, { "perp", 0x22a5 }, { "phi", 0x3c6 }, { "pi", 0x3c0 }, { "piv", 0x3d6 },
	{ "plusmn", 0xb1 }, { "pound", 0xa3 }, { "prime", 0x2032 }, { "prod", 0x220f },
	{ "prop", 0x221d }, { "psi", 0x3c8 }, { "quot", 0x22 }, { "rArr", 0x21d2 },
	{ "radic", 0x221a }, { "rang", 0x232a }, { "raquo", 0xbb }, { "rarr", 0x2192 },
	{ "rceil", 0x2309 }, { "rdquo", 0x201d }, { "real", 0x211c }, { "reg", 0xae },
	{ "rfloor", 0x230b }, { "rho", 0x3c1 }, { "rlm", 0x200f }, { "rsaquo", 0x203a },
	{ "rsquo", 0x2019 }, { "sbquo", 0x201a }, { "scaron", 0x161 }, { "sdot", 0x22c5 },
	{ "sect", 0xa7 }, { "shy", 0xad }, { "sigma", 0x3c3 }, { "sigmaf", 0x3c2 }, { "sim", 0x223c },
	{ "spades", 0x2660 }, { "sub", 0x2282 }, { "sube", 0x2286 }, { "sum", 0x2211 },
	{ "sup", 0x2283 }, { "sup1", 0xb9 }, { "sup2", 0xb2 }, { "sup3", 0xb3 }, { "supe", 0x2287 },
	{ "szlig", 0xdf }, { "tau", 0x3c4 }, { "there4", 0x2234 }, { "theta", 0x3b8 },
	{ "thetasym", 0x3d1 }, { "thinsp", 0x2009 }, { "thorn", 0xfe }, { "tilde", 0x2dc },
	{ "times", 0xd7 }, { "trade", 0x2122 }, { "uArr", 0x21d1 }, { "uacute", 0xfa },
	{ "uarr", 0x2191 }, { "ucirc", 0xfb }, { "ugrave", 0xf9 }, { "uml", 0xa8 },
	{ "upsih", 0x3d2 }, { "upsilon", 0x3c5 }, { "uuml", 0xfc }, { "weierp", 0x2118 },
	{ "xi", 0x3be }, { "yacute", 0xfd }, { "yen", 0xa5 }, { "yuml", 0xff }, { "zeta", 0x3b6 },
	{ "zwj", 0x200d }, { "zwnj", 0x200c },
};

/* What a tag does to the flow of text. */
enum what { LINE, PARAGRAPH, BREAK, CELL, ITEM, RULE, QUOTE, PRE, LINK, IMAGE, SKIP };

static const struct tag { const char *name; enum what what; } tags[] = {
	{ "a", LINK }, { "address", LINE }, { "article", LINE }, { "blockquote", QUOTE },
	{ "body", LINE }, { "br", BREAK }, { "caption", LINE }, { "center", LINE },
	{ "dd", LINE }, { "div", LINE }, { "dl", PARAGRAPH }, { "dt", LINE },
	{ "fieldset", LINE }, { "footer", LINE }, { "form", LINE }, { "h1", PARAGRAPH },
	{ "h2", PARAGRAPH }, { "h3", PARAGRAPH }, { "h4", PARAGRAPH }, { "h5", PARAGRAPH },
	{ "h6", PARAGRAPH }, { "header", LINE }, { "hr", RULE }, { "img", IMAGE },
	{ "li", ITEM }, { "ol", PARAGRAPH }, { "option", LINE }, { "p", PARAGRAPH },
	{ "pre", PRE }, { "script", SKIP }, { "section", LINE }, { "style", SKIP },
	{ "table", PARAGRAPH }, { "td", CELL }, { "th", CELL }, { "title", SKIP },
	{ "tr", LINE }, { "ul", PARAGRAPH },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- output ---- */

static void want_newlines(struct html *h, int n)
{
	if (n > h->newlines)
		h->newlines = n;
	h->blank = false;
}

/* What has to stand before the next text. */
static void begin_text(struct html *h)
{
	if (h->newlines && h->out->len > h->start) {
		for (int i = 0; i < h->newlines; i++)
			buf_chr(h->out, '\n');
		h->line_start = true;
	} else if (h->blank && !h->line_start) {
		buf_chr(h->out, ' ');
	}
	h->newlines = 0;
	h->blank = false;
	if (!h->line_start)
		return;
	for (int i = 0; i < h->quote && i < QUOTE_MAX_DEPTH; i++)
		buf_add(h->out, "> ", 2);
	if (h->bullet)
		buf_add(h->out, "* ", 2);
	h->bullet = false;
	h->line_start = false;
}

static void put_blank(struct html *h, char c)
{
	if (!h->pre) {
		h->blank = true;
	} else if (c == '\n') {
		if (h->newlines < NEWLINES_MAX)
			h->newlines++;
	} else if (c != '\r') {
		begin_text(h);
		buf_chr(h->out, c == '\f' ? ' ' : c);
	}
}

static void put_char(struct html *h, uint32_t cp)
{
	if (cp == 0xad || cp == 0x200b || cp == 0xfeff || cp == 0x34f)
		return;				/* invisible, and much used as filling */
	if (cp < 0x80 && is_blank((char)cp)) {
		put_blank(h, (char)cp);
	} else if (cp == 0xa0 && !h->pre) {
		h->blank = true;
	} else if (cp >= 0x20 && cp != 0x7f && (cp < 0x80 || cp > 0x9f)) {
		begin_text(h);
		utf8_put(h->out, cp);
	}
}

/* ---- entities ---- */

static int entity_cmp(const void *key, const void *e)
{
	return strcmp(key, ((const struct entity *)e)->name);
}

static uint32_t numeric(const char **p, const char *end)
{
	/* what browsers make of &#128; to &#159;: windows-1252 */
	static const unsigned short c1[32] = {
		0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
		0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
	};
	const char *q = *p + 2;
	bool hex = q < end && (*q | 0x20) == 'x';
	uint32_t v = 0;
	int digits = 0;

	for (q += hex; q < end; q++, digits++) {
		char c = *q;
		uint32_t d;

		if (c >= '0' && c <= '9')
			d = (uint32_t)(c - '0');
		else if (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			d = (uint32_t)((c | 0x20) - 'a') + 10;
		else
			break;
		v = v > 0x10ffff ? v : v * (hex ? 16 : 10) + d;
	}
	if (digits == 0) {
		++*p;
		return '&';
	}
	*p = q + (q < end && *q == ';');
	if (v == 0 || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0xfffd;
	return v >= 0x80 && v < 0xa0 ? c1[v - 0x80] : v;
}

/* *p is at '&'; moves it on, by one if this is no entity. */
static uint32_t read_entity(const char **p, const char *end)
{
	static const char *const bare[] = { "amp", "lt", "gt", "quot", "nbsp" };
	const struct entity *e;
	char name[TAG_MAX_BYTES];
	size_t n = 0;

	if (end - *p > 2 && (*p)[1] == '#')
		return numeric(p, end);
	while (*p + 1 + n < end && n < sizeof(name) - 1 &&
			(is_alpha((*p)[1 + n]) || ((*p)[1 + n] >= '0' && (*p)[1 + n] <= '9'))) {
		name[n] = (*p)[1 + n];
		n++;
	}
	name[n] = '\0';
	if (*p + 1 + n < end && (*p)[1 + n] == ';') {
		e = bsearch(name, entities, sizeof(entities) / sizeof(entities[0]), sizeof(entities[0]), entity_cmp);
		if (e) {
			*p += n + 2;
			return e->cp;
		}
	}
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		if (strcmp(name, bare[i]) == 0) {
			*p += n + 1;
			return i == 0 ? '&' : i == 1 ? '<' : i == 2 ? '>' : i == 3 ? '"' : 0xa0;
		}
	}
	++*p;
	return '&';
}

/* ---- attributes ---- */

struct text { const char *p; size_t len; };

/* Behind the '>' that ends the tag at p, quotes respected; an unclosed quote is a character. */
static const char *tag_end(struct html *h, const char *p)
{
	while (p < h->end && *p != '>') {
		bool *none = *p == '"' ? &h->no_double : &h->no_single;
		const char *q = NULL;

		if ((*p == '"' || *p == '\'') && p[-1] == '=' && !*none) {
			q = memchr(p + 1, *p, (size_t)(h->end - p - 1));
			*none = q == NULL;
		}
		p = q ? q + 1 : p + 1;
	}
	return p < h->end ? p + 1 : p;
}

/* An attribute's value in the tag [p,end). */
static struct text attribute(const char *p, const char *end, const char *name)
{
	size_t n = strlen(name);

	while (p < end) {
		const char *key, *eq;
		struct text v = { 0 };

		while (p < end && (is_blank(*p) || *p == '/'))
			p++;
		for (key = p; p < end && !is_blank(*p) && *p != '=' && *p != '>' && *p != '/'; p++)
			;
		for (eq = p; eq < end && is_blank(*eq); eq++)
			;
		if (eq < end && *eq == '=') {
			size_t key_len = (size_t)(p - key);
			char quote;

			for (p = eq + 1; p < end && is_blank(*p); p++)
				;
			quote = p < end && (*p == '"' || *p == '\'') ? *p++ : 0;
			v.p = p;
			while (p < end && (quote ? *p != quote : !is_blank(*p) && *p != '>'))
				p++;
			v.len = (size_t)(p - v.p);
			if (quote && p < end)
				p++;
			if (key_len == n && strncasecmp(key, name, n) == 0)
				return v;
		} else if (p == key) {
			p++;
		}
	}
	return (struct text){ 0 };
}

/* A URL as people can use it: entities decoded, no blanks and control bytes. */
static void read_url(struct text v, struct buf *out)
{
	const char *p = v.p, *end = v.p ? v.p + v.len : NULL;

	while (p < end && out->len <= LINK_MAX_BYTES) {
		if (*p == '&') {
			uint32_t cp = read_entity(&p, end);

			if (cp > ' ' && (cp < 0x7f || cp > 0xa0))
				utf8_put(out, cp);
		} else {
			if ((unsigned char)*p > ' ' && *p != 0x7f && *p != '<' && *p != '>')
				buf_chr(out, *p);
			p++;
		}
	}
}

/* ---- links ---- */

static const char *without_scheme(const char *p, size_t *n)
{
	static const char *const schemes[] = { "https://", "http://", "mailto:", "www." };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t k = strlen(schemes[i]);

		if (*n > k && strncasecmp(p, schemes[i], k) == 0) {
			p += k;
			*n -= k;
		}
	}
	while (*n && p[*n - 1] == '/')
		--*n;
	return p;
}

static void end_link(struct html *h)
{
	size_t text_len, url_len = h->link.len;
	const char *text, *url;
	struct text shown;

	if (!h->in_link)
		return;
	h->in_link = false;
	if (h->out->len <= h->link_text || url_len == 0 || url_len > LINK_MAX_BYTES)
		return;
	shown.p = h->out->p + h->link_text;
	shown.len = h->out->len - h->link_text;
	while (shown.len && is_blank(*shown.p)) {
		shown.p++;
		shown.len--;
	}
	text_len = shown.len;
	text = without_scheme(shown.p, &text_len);
	url = without_scheme(h->link.p, &url_len);
	if (text_len == url_len && strncasecmp(text, url, url_len) == 0)
		return;
	buf_add(h->out, " <", 2);
	buf_add(h->out, h->link.p, h->link.len);
	buf_chr(h->out, '>');
}

static void begin_link(struct html *h, const char *p, const char *end)
{
	end_link(h);
	buf_clear(&h->link);
	read_url(attribute(p, end, "href"), &h->link);
	if (h->link.len < 4 || (strncasecmp(h->link.p, "http", 4) != 0 &&
			strncasecmp(h->link.p, "mailto:", 7) != 0 && strncasecmp(h->link.p, "ftp:", 4) != 0))
		return;
	h->in_link = true;
	h->link_text = h->out->len;
}

/* ---- tags ---- */

/* To the end tag of an element whose content is no text. Without one: script and
 * style reach to the end, as in browsers; a title is taken for text. */
static void skip_element(struct html *h, const char *name)
{
	size_t n = strlen(name);
	const char *p = h->p;

	if (strcmp(name, "title") == 0 && h->no_title)
		return;
	while ((p = memmem(p, (size_t)(h->end - p), "</", 2)) != NULL) {
		p += 2;
		if ((size_t)(h->end - p) >= n && strncasecmp(p, name, n) == 0) {
			h->p = tag_end(h, p);
			return;
		}
	}
	if (strcmp(name, "title") == 0)
		h->no_title = true;
	else
		h->p = h->end;
}

static void image(struct html *h, const char *p, const char *end)
{
	struct text alt = attribute(p, end, "alt");

	if (!alt.p)
		return;
	for (p = alt.p, end = alt.p + alt.len; p < end;) {
		if (*p == '&') {
			put_char(h, read_entity(&p, end));
		} else if ((unsigned char)*p < 0x80) {
			put_char(h, (unsigned char)*p++);
		} else {
			begin_text(h);
			buf_chr(h->out, *p++);
		}
	}
}

static void do_tag(struct html *h, const struct tag *t, bool close, const char *p, const char *end)
{
	switch (t->what) {
	case BREAK:
		if (h->newlines < NEWLINES_MAX)
			h->newlines++;
		h->blank = false;
		break;
	case CELL:
		h->blank = true;
		break;
	case LINE:
		want_newlines(h, 1);
		break;
	case PARAGRAPH:
		want_newlines(h, 2);
		break;
	case ITEM:
		want_newlines(h, 1);
		h->bullet = !close;
		break;
	case RULE:
		want_newlines(h, 1);
		begin_text(h);
		buf_add(h->out, "---", 3);
		want_newlines(h, 1);
		break;
	case QUOTE:
		want_newlines(h, 2);
		if (!close)
			h->quote++;
		else if (h->quote)
			h->quote--;
		break;
	case PRE:
		want_newlines(h, 2);
		if (!close)
			h->pre++;
		else if (h->pre)
			h->pre--;
		break;
	case LINK:
		if (close)
			end_link(h);
		else
			begin_link(h, p, end);
		break;
	case IMAGE:
		if (!close)
			image(h, p, end);
		break;
	case SKIP:
		if (!close)
			skip_element(h, t->name);
		break;
	}
}

static int tag_cmp(const void *key, const void *t)
{
	return strcmp(key, ((const struct tag *)t)->name);
}

/* At '<' and a letter or '/'. */
static void read_tag(struct html *h)
{
	const char *p = h->p + 1, *end = tag_end(h, p);
	bool close = *p == '/';
	char name[TAG_MAX_BYTES];
	const struct tag *t;
	size_t n = 0;

	for (p += close; p < end && n < sizeof(name) - 1; p++) {
		if (!is_alpha(*p) && !(*p >= '0' && *p <= '9'))
			break;
		name[n++] = (char)(is_alpha(*p) ? *p | 0x20 : *p);
	}
	name[n] = '\0';
	h->p = end;
	t = bsearch(name, tags, sizeof(tags) / sizeof(tags[0]), sizeof(tags[0]), tag_cmp);
	if (t)
		do_tag(h, t, close, p, end);
}

/* At '<'. */
static void read_markup(struct html *h)
{
	size_t left = (size_t)(h->end - h->p);
	const char *q;

	if (left >= 4 && memcmp(h->p, "<!--", 4) == 0) {
		q = memmem(h->p + 2, left - 2, "-->", 3);	/* "<!-->" is whole */
		h->p = q ? q + 3 : h->end;
	} else if (left >= 2 && (h->p[1] == '!' || h->p[1] == '?')) {
		q = memchr(h->p, '>', left);
		h->p = q ? q + 1 : h->end;
	} else if (left >= 2 && (is_alpha(h->p[1]) || (h->p[1] == '/' && left >= 3 && is_alpha(h->p[2])))) {
		read_tag(h);
	} else {
		put_char(h, '<');
		h->p++;
	}
}

/* ---- the whole ---- */

/* Two- and three-byte characters that put_char leaves out or folds. */
static uint32_t special(const char *p, const char *end, size_t *n)
{
	const unsigned char *s = (const unsigned char *)p;

	*n = 2;
	if (end - p >= 2 && s[0] == 0xc2 && s[1] <= 0xad)
		return s[1];
	if (end - p >= 2 && s[0] == 0xcd && s[1] == 0x8f)
		return 0x34f;
	*n = 3;
	if (end - p >= 3 && memcmp(p, "\xe2\x80\x8b", 3) == 0)
		return 0x200b;
	if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return 0xfeff;
	return 0;
}

static bool plain(char c)
{
	return (unsigned char)c > ' ' && c != '<' && c != '&' && (unsigned char)c < 0x7f;
}

static void read_text(struct html *h)
{
	const char *p = h->p;
	size_t n;
	uint32_t cp;

	while (p < h->end && plain(*p))
		p++;
	if (p > h->p) {
		begin_text(h);
		buf_add(h->out, h->p, (size_t)(p - h->p));
		h->p = p;
		return;
	}
	if ((unsigned char)*p < 0x80) {
		put_char(h, (unsigned char)*p);
		h->p++;
		return;
	}
	cp = special(p, h->end, &n);
	if (cp) {
		put_char(h, cp);
		h->p += n;
		return;
	}
	/* one whole character */
	for (n = 1; p + n < h->end && ((unsigned char)p[n] & 0xc0) == 0x80; n++)
		;
	begin_text(h);
	buf_add(h->out, p, n);
	h->p += n;
}

void html_text(const char *html, size_t len, size_t max, struct buf *out)
{
	struct html h = { .p = html, .end = html + len, .out = out,
		.start = out->len, .line_start = true };

	while (h.p < h.end && out->len - h.start < max && !out->failed) {
		if (*h.p == '<')
			read_markup(&h);
		else if (*h.p == '&')
			put_char(&h, read_entity(&h.p, h.end));
		else
			read_text(&h);
	}
	end_link(&h);
	buf_free(&h.link);
	if (out->len - h.start > max) {
		size_t cut = h.start + max;

		while (cut > h.start && ((unsigned char)out->p[cut] & 0xc0) == 0x80)
			cut--;
		out->len = cut;
		out->p[cut] = '\0';
	}
}
