namespace Stateside.Check.Reports;

/// <summary>How the page looks: light, dark and on paper. Its hash is in the page's policy.</summary>
internal static class HtmlStyle
{
    public const string Sheet = """

        :root { --back: #ffffff; --text: #1c1e21; --soft: #5a6068; --line: #d9dde2; --panel: #f5f6f8; --good: #0a6b2d; --bad: #b3161b; --unknown: #6b5200; --only: #fff1c2; --mark: #ffc107; --link: #0b57b7 }
        @media (prefers-color-scheme: dark) { :root { --back: #15171a; --text: #e6e8eb; --soft: #a3abb5; --line: #363b42; --panel: #1e2125; --good: #5fd08a; --bad: #ff8a80; --unknown: #e5c15c; --only: #3d3413; --mark: #b88a00; --link: #7fb4ff } }
        * { box-sizing: border-box }
        body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif }
        main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
        h1 { font-size: 2rem; line-height: 1.2; margin: .25rem 0 .75rem; text-wrap: balance }
        h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem }
        h3 { font-size: 1.05rem; margin: 0 0 .25rem }
        h4 { font-size: .85rem; margin: 1rem 0 .25rem; color: var(--soft) }
        a { color: var(--link) }
        code, pre { font: 13px/1.45 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace }
        code { overflow-wrap: anywhere }
        pre { margin: 0; padding: .75rem; background: var(--back); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4 }
        .kicker, .tags, .evidence { color: var(--soft); font-size: .9rem; margin: 0 }
        .lead { font-size: 1.1rem; max-width: 60rem; margin: 0 0 1rem }
        .architecture, .answer { display: inline-block; font-weight: 600; border: 2px solid currentColor; border-radius: 6px; white-space: nowrap }
        .architecture { padding: .25rem .75rem; margin: 0; white-space: normal }
        .answer { padding: 0 .5rem }
        .good { color: var(--good) } .bad { color: var(--bad) } .unknown { color: var(--unknown) }
        .advice { margin-top: 1.25rem; padding: .75rem 1rem; background: var(--panel); border-left: 4px solid var(--link) }
        .advice h2 { font-size: 1rem; margin: 0 } .advice p { margin: .25rem 0 0 }
        table { width: 100%; border-collapse: collapse }
        th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
        th[scope=row] { font-weight: 400; width: 34% } .questions th[scope=row] b { display: block }
        .values th[scope=row] { width: 6rem; color: var(--soft) }
        .number { text-align: right; font-variant-numeric: tabular-nums }
        article { margin: 0 0 1.5rem; padding: 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: 8px }
        article:target { outline: 3px solid var(--link) }
        .detail { margin: .5rem 0; white-space: pre-line }
        .sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 1rem }
        .sides > div { min-width: 0 }
        .line { background: var(--only); display: inline-block; width: 100% }
        mark { background: var(--mark); color: inherit; font-weight: 700; border-radius: 2px }
        .rule { font-size: .9rem; color: var(--soft); margin: 1rem 0 0; border-top: 1px solid var(--line); padding-top: .5rem }
        @media print {
          :root { --back: #fff; --text: #000; --soft: #333; --line: #999; --panel: #fff; --good: #0a6b2d; --bad: #b3161b; --unknown: #6b5200; --only: #fff1c2; --mark: #ffd75e; --link: #000 }
          body { font-size: 10pt } main { max-width: none; padding: 0 } h1 { font-size: 18pt }
          article, tr, .advice { break-inside: avoid } article:has(pre) { break-inside: auto } h2, h3, h4 { break-after: avoid }
          mark, .line, .answer { print-color-adjust: exact; -webkit-print-color-adjust: exact }
        }

        """;
}
