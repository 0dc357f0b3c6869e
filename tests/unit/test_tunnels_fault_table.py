"""Every fault that a tunnel has to bear, and the tests that show what comes of it.

The faults are those that were set down before the tunnels were built. A test that is renamed or
removed is missed here.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

FAULTS = {
    # what is asked for is wrong
    "a wrong forward, told by its wrong part": (
        "unit/test_tunnels_spec.py::test_a_wrong_forward_names_its_wrong_part",
        "live/test_cli_forward.py::test_a_wrong_forward_is_told_by_its_wrong_part",
        "live/test_tunnels_oracle.py::test_any_text_has_the_verdict_of_ssh",
    ),
    "no bind address is loopback alone": (
        "live/test_tunnels_forward.py::test_listens_on_loopback_alone_on_both_families",
        "live/test_tunnels_forward.py::test_a_proxy_listens_on_loopback_alone",
        "live/test_tunnels_faults.py::test_all_interfaces_only_when_asked_and_then_marked",
    ),
    # ports
    "a port that is taken before": (
        "live/test_tunnels_legs.py::test_a_port_in_use_names_its_holder_and_a_free_one",
        "live/test_cli_forward.py::test_with_exit_on_forward_failure_one_that_fails_ends_all",
        "live/test_cli_forward.py::test_a_forward_that_fails_leaves_the_others_as_with_ssh",
    ),
    "a port that is taken during an outage": (
        "live/test_tunnels_life_heals.py::test_a_port_taken_there_during_an_outage_is_waited_for",
    ),
    "a port that is taken once it was closed": (
        "live/test_tunnels_life_heals.py"
        "::test_a_port_here_is_kept_over_an_outage_and_lost_only_by_closing",
    ),
    "a privileged port": ("live/test_tunnels_legs.py::test_a_privileged_port",),
    "an address of another machine": (
        "live/test_tunnels_legs.py::test_an_address_that_is_not_ours",
    ),
    "a remote port that is taken, or not allowed": (
        "live/test_tunnels_faults.py::test_a_remote_port_that_is_taken",
        "live/test_tunnels_legs.py::test_a_server_that_lets_us_listen_elsewhere_only",
        "live/test_tunnels_legs.py::test_a_server_that_does_not_allow_it",
    ),
    "a server that forbids forwarding, then allows it": (
        "live/test_tunnels_life_heals.py::test_a_server_that_forbids_forwarding_and_then_allows_it",
    ),
    "a remote port that a dead connection still holds": (
        "live/test_tunnels_backend.py"
        "::test_a_remote_forward_started_in_an_outage_waits_for_a_port_that_is_still_held",
    ),
    "two sshdash that want the same port": (
        "live/test_tunnels_life_limits.py::test_two_sshdash_that_want_the_same_port",
    ),
    "two sshdash that want the same rule": (
        "unit/test_tunnels_control.py::test_a_claim_is_one_process_alone_and_shared_in_it",
        "live/test_tunnels_outlive_screen.py::test_of_two_screens_that_want_one_rule_one_has_it",
        "live/test_tunnels_household.py::test_what_a_process_runs_is_on_the_list_of_another",
    ),
    # the connection: killed, restarted, frozen, dropped and reset, in each state
    "an outage while open and degraded": (
        "live/test_tunnels_life_heals.py::test_open_and_degraded_tunnels_come_back",
    ),
    "an outage while paused": (
        "live/test_tunnels_life_heals.py::test_a_paused_tunnel_stays_paused_and_keeps_its_ports",
    ),
    "an outage while opening": (
        "live/test_tunnels_life_heals.py::test_a_tunnel_that_is_opening_opens_later",
    ),
    "an outage while coming back": (
        "live/test_tunnels_life_heals.py::test_a_tunnel_that_was_coming_back_comes_back_after_all",
        "live/test_tunnels_life_ports.py"
        "::test_an_outage_over_what_the_server_does_not_give_yet_is_no_return",
    ),
    "an outage while draining": (
        "live/test_tunnels_life_heals.py::test_a_draining_tunnel_ends_with_its_clients",
    ),
    "a network that is cut 20 times": (
        "live/test_tunnels_life_heals.py"
        "::test_a_flapping_network_ends_with_all_open_and_nothing_leaked",
        "unit/test_connections_backoff.py"
        "::test_on_a_train_it_is_up_for_longer_than_it_is_waited_for",
        "live/test_soak.py::test_ten_seconds_of_cuts_lose_no_byte_and_leave_nothing",
    ),
    "40 tunnels of a host that restarts": (
        "live/test_tunnels_life_heals.py"
        "::test_89_forty_tunnels_of_a_host_come_back_over_one_attempt",
    ),
    "a first attempt that fails": (
        "live/test_tunnels_life_heals.py::test_90_what_fails_at_first_is_not_tried_again",
    ),
    "a server that takes us and drops us": (
        "unit/test_connections_backoff.py"
        "::test_a_server_that_takes_us_and_drops_us_is_met_with_longer_waits",
    ),
    "sleep on a dead line": (
        "live/test_tunnels_life_heals.py::test_tunnels_come_back_from_sleep_on_a_dead_line",
    ),
    "a clock that is set": (
        "live/test_tunnels_life_heals.py::test_a_clock_that_is_set_changes_nothing",
    ),
    # clients
    "10,000 that connect and close": (
        "live/test_tunnels_crowds.py::test_ten_thousand_connections_leave_nothing_behind",
    ),
    "200 that leave while their channels open": (
        "live/test_tunnels_pressure.py"
        "::test_200_clients_leaving_while_their_channels_open_leave_none",
        "live/test_tunnels_proxy_pressure.py"
        "::test_200_clients_leaving_while_their_channels_open_leave_none",
    ),
    "one that pushes before its channel is open": (
        "live/test_tunnels_pressure.py"
        "::test_a_client_that_pushes_before_its_channel_is_open_is_held",
        "live/test_tunnels_proxy_pressure.py"
        "::test_a_client_that_pushes_before_its_channel_is_open_is_held",
    ),
    "50 uploads to a server that stopped": (
        "live/test_tunnels_pressure.py"
        "::test_uploads_to_a_server_that_stopped_reading_do_not_pile_up",
    ),
    "one that never reads": (
        "live/test_tunnels_pressure.py::test_a_client_that_never_reads_holds_the_target_back",
    ),
    "one that never writes": (
        "live/test_tunnels_crowds.py"
        "::test_a_client_that_never_writes_gets_what_comes_and_holds_up_nobody",
        "live/test_tunnels_socks.py::test_a_client_that_says_nothing_is_dropped",
    ),
    "the end of one direction": (
        "live/test_tunnels_forward.py::test_an_answer_after_the_clients_end_of_file_arrives",
        "live/test_tunnels_forward.py::test_a_client_may_go_on_after_the_targets_end_of_file",
        "live/test_tunnels_proxy_pressure.py::test_the_end_of_file_passes_each_way_alone",
    ),
    "a handshake that trickles": (
        "live/test_tunnels_proxy_pressure.py::test_a_client_that_trickles_does_not_last",
        "live/test_tunnels_proxy_pressure.py::test_a_byte_at_a_time",
    ),
    "300 half handshakes": (
        "live/test_tunnels_proxy_pressure.py::test_300_half_handshakes_keep_nobody_out_and_end",
        "live/test_tunnels_proxy_pressure.py::test_the_slowest_makes_room_where_very_many_wait",
    ),
    "garbage and TLS for a handshake": (
        "unit/test_tunnels_handshake.py::test_any_bytes_end_in_a_sane_state_whatever_the_cuts",
        "live/test_tunnels_proxy_pressure.py"
        "::test_a_client_that_makes_no_sense_says_nothing_of_the_target",
        "live/test_tunnels_clients_curl.py::test_tls_spoken_to_the_port_is_named",
        "live/test_tunnels_remote_dynamic.py::test_what_is_no_request_is_closed",
    ),
    "what a proxy does not do": (
        "live/test_tunnels_socks.py::test_what_cannot_be_served_is_answered_and_closed",
    ),
    "a name that would end the connection": (
        "live/test_tunnels_socks.py::test_a_bad_name_never_reaches_the_server",
    ),
    "every dialect of a proxy": (
        "live/test_tunnels_socks.py::test_socks4_and_4a",
        "live/test_tunnels_socks.py::test_socks5_with_pipelined_early_data",
        "live/test_tunnels_clients_curl.py::test_such_a_name_is_really_not_known_here",
    ),
    # targets
    "a proxy's target that refuses or is forbidden": (
        "live/test_tunnels_socks.py::test_the_answer_to_a_refused_target_is_refused",
        "live/test_tunnels_socks.py::test_the_answer_to_a_forbidden_target_is_not_allowed",
    ),
    "a target that refuses": (
        "live/test_tunnels_forward.py"
        "::test_a_target_that_refuses_degrades_the_tunnel_until_it_answers",
        "live/test_tunnels_faults.py::test_a_remote_forward_whose_target_refuses_here",
    ),
    "a target that accepts and resets": (
        "live/test_tunnels_faults.py::test_a_target_that_resets_mid_flow_harms_no_other_tunnel",
    ),
    # this machine, and the person
    "no descriptors left": (
        "live/test_tunnels_life_limits.py"
        "::test_out_of_descriptors_is_told_crashes_nothing_and_passes",
        "live/test_tunnels_faults.py::test_out_of_descriptors_is_said_and_passes",
    ),
    "removal with clients": (
        "live/test_tunnels_faults.py::test_removing_a_tunnel_frees_the_port_and_drops_its_clients",
        "live/test_tunnels_life_asked.py::test_clients_finish_while_a_stopped_tunnel_drains",
        "live/test_tunnels_life_asked.py::test_clients_that_do_not_finish_are_reset",
        "live/test_tunnels_pressure.py::test_removing_a_tunnel_with_channels_opening_leaves_none",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_tests(fault: str) -> None:
    for one in FAULTS[fault]:
        file, _, name = one.partition("::")
        text = (TESTS / file).read_text()
        assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), one
