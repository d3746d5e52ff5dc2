"""What a person may do about a reminder: call it off, move it, have it sent now or once more, settle a doubt.

`decide` holds the rules, pure; `Acts` carries an act out beside workers, one winner each time.
"""
